// Every ease. README.md explains what an ease is.
#pragma once

#include "ease/cosine.h"
#include "ease/exponential.h"
#include "ease/geometric.h"
#include "ease/hold.h"
#include "ease/inverse_power.h"
#include "ease/linear.h"
#include "ease/list.h"
#include "ease/power.h"
