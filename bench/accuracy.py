"""How exact is it: ``python bench/accuracy.py`` prints the figures that kernels/cosine_decay.h states.

Every result against 200-bit arithmetic, at the points of tests/test_accuracy.py: both ends, the middle and random steps
for 23 values of T up to 2^40 and 12 pairs of init and end of one sign. 20 seconds.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests"))

import reference
from test_accuracy import ENDS, TIMES, evaluate, hurtful_steps


def main() -> None:
    worst, where, wrong, count = 0.0, None, 0, 0
    for total in TIMES:
        steps = hurtful_steps(total)
        weights = reference.weights(steps, total)
        for init, end in ENDS:
            errors = reference.ulp_errors(evaluate(steps, init, total, end), reference.values(weights, init, end))
            if errors.max() > worst:
                worst, where = float(errors.max()), (steps[int(errors.argmax())], init, total, end)
            wrong += int((errors > 0.5).sum())
            count += len(errors)
    print(f"largest error {worst:.4f} ULP, at (step, init, decay_steps, end) = {where}")
    print(f"not correctly rounded: {wrong} of {count} results, {wrong / count:.3%}")


if __name__ == "__main__":
    main()
