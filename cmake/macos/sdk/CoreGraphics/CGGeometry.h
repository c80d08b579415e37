// metal-cpp includes this header but needs nothing from it here.
#pragma once
