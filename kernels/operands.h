// The operands, in the order they have everywhere: among the primitive's inputs, where those that a schedule lacks are
// left out, and in Metal's buffers.
#pragma once

enum Operand {
  kStep = 0,
  kInit = 1,       // the values that a column goes from
  kLength = 2,     // over so many steps
  kEnd = 3,        // and to; these four are always there
  kBegin = 4,      // the first step in force; 0 where left out, as are all that follow
  kLead = 5,       // how far into its length the column is entered
  kParameter = 6,  // the ease's own
  kPeriod = 7,     // after which the columns from one on come again
  kLengthRest = 8, // what the operands of these names lack: a real beside reals, beside integers a fraction in 2^-64
  kBeginRest = 9,
  kLeadRest = 10,
  kParameterRest = 11,
  kPeriodRest = 12,
  kOperands = 13
};

enum TimeType { kInt32, kUint32, kInt64, kUint64, kFloat32 }; // what numbers of steps are held in
enum { kTypeBits = 3 };                                       // of a TimeType
