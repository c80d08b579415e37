// The operands of a schedule, in the order that they have among the primitive's inputs, which leave out those that the
// schedule lacks, and among Metal's buffers. All but the step and the period have a number for each column.
#pragma once

enum Operand {
  kStep = 0,
  kInit = 1,       // the value at the begin of the segment
  kLength = 2,     // the length of the segment in steps
  kEnd = 3,        // the value at the end; these four operands are always present, the others are 0 where left out
  kBegin = 4,      // the first step at which the column is in force
  kLead = 5,       // how many steps into its segment the column is entered
  kParameter = 6,  // the ease's parameter
  kPeriod = 7,     // the period of the columns that repeat
  kLengthRest = 8, // the rests hold what does not fit above: beside reals a real, beside integers a fraction in 2^-64
  kBeginRest = 9,
  kLeadRest = 10,
  kParameterRest = 11,
  kPeriodRest = 12,
  kOperands = 13
};

enum TimeType { kInt32, kUint32, kInt64, kUint64, kFloat32 }; // the type of an operand that is a number of steps
enum { kTypeBits = 3 };                                       // bits of a TimeType

constexpr int time_type_of(int types, int k) {
  return types >> (kTypeBits * k) & ((1 << kTypeBits) - 1);
}

// Whether operand k, a number of steps, is an integer with a fraction in 2^-64.
constexpr bool has_exact_fraction(int operands, int types, int k, int rest) {
  return (operands >> rest & 1) != 0 && time_type_of(types, k) != kFloat32;
}

// Whether real steps must be taken exactly, to 2^-64, as integer steps always are. `operands` has a bit for each
// operand that is present, `types` a TimeType for each number of steps. So all parameter groups are treated alike.
constexpr bool takes_exact_steps(int operands, int types) {
  return has_exact_fraction(operands, types, kLength, kLengthRest) ||
         has_exact_fraction(operands, types, kBegin, kBeginRest) ||
         has_exact_fraction(operands, types, kLead, kLeadRest) ||
         has_exact_fraction(operands, types, kPeriod, kPeriodRest);
}
