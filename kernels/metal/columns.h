// The Metal kernel for schedules of any columns with any strides.
#pragma once

#include "walk.h"

// How a kernel counts steps: usually integer steps in their own width and reals as they are, otherwise as Exact.
template <typename S>
struct Ways {
  using Usual = Counted<typename Unsigned<sizeof(S)>::type>;
  static inline bool usual(Known known) { return all_whole(known); }
};
struct WaysOfReals {
  using Usual = Real;
  static inline bool usual(Known known) { return !takes_exact_steps(known.operands, known.types); }
};
template <>
struct Ways<float> : WaysOfReals {};
template <>
struct Ways<half> : WaysOfReals {};
template <>
struct Ways<bfloat> : WaysOfReals {};

template <typename S, typename Out, typename Index, typename Offset>
[[kernel]] void columns(const device S* step [[buffer(kStep)]],
                        const device uchar* init [[buffer(kInit)]],
                        const device uchar* length [[buffer(kLength)]],
                        const device uchar* end [[buffer(kEnd)]],
                        const device uchar* begin [[buffer(kBegin)]],
                        const device uchar* lead [[buffer(kLead)]],
                        const device uchar* parameter [[buffer(kParameter)]],
                        const device uchar* period [[buffer(kPeriod)]],
                        const device uchar* length_rest [[buffer(kLengthRest)]],
                        const device uchar* begin_rest [[buffer(kBeginRest)]],
                        const device uchar* lead_rest [[buffer(kLeadRest)]],
                        const device uchar* parameter_rest [[buffer(kParameterRest)]],
                        const device uchar* period_rest [[buffer(kPeriodRest)]],
                        device Out* out [[buffer(kOut)]],
                        constant Extent& grid [[buffer(kExtent)]],
                        constant int* sizes [[buffer(kSizes)]],
                        constant long* strides [[buffer(kStrides)]],
                        constant ulong* inverses [[buffer(kInverses)]],
                        constant ColumnsExtent& extent [[buffer(kColumns)]],
                        const device int* eases [[buffer(kEaseCodes)]],
                        uint2 at [[thread_position_in_grid]]) {
  Index i = index_of<Index>(at);
  if (i >= Index(grid.threads)) {
    return;
  }
  Known k = known(extent);
  Operands<Out, Offset> o = {{0,
                              init,
                              length,
                              end,
                              begin,
                              lead,
                              parameter,
                              period,
                              length_rest,
                              begin_rest,
                              lead_rest,
                              parameter_rest,
                              period_rest},
                             {0},
                             &extent,
                             eases,
                             k,
                             extent.columns,
                             (k.operands >> kPeriod & 1) != 0 ? extent.repeat : -1};
  int present = is_function_constant_defined(known_operands) ? known_operands : ~0; // absent operands have strides 0
  Places<Offset, kOperands> p = places<Index, Offset, kOperands>(i, present, grid.axes, sizes, strides, inverses);
  for (int k = 0; k < kOperands; k++) {
    o.at[k] = p.at[k];
  }
  Fold f = fold(o);
  const device S* s = step + p.at[kStep];
  using Usual = typename Ways<S>::Usual;
  if (Ways<S>::usual(o.known)) {
    run(Walk<Usual, S, Out, Index>{s, out, grid.apart, i, Index(grid.count), Index(grid.threads), f, {}}, o);
  } else {
    run(Walk<Exact<float>, S, Out, Index>{s, out, grid.apart, i, Index(grid.count), Index(grid.threads), f, {}}, o);
  }
}
