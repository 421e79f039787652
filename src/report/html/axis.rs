//! Linear axes with round ticks.

/// The largest magnitude whose differences are finite.
const LIMIT: f64 = 1e300;

/// A range of values, and ticks in it.
#[derive(Debug, Clone)]
pub struct Axis {
    pub low: f64,
    pub high: f64,
    /// Multiples of 1, 2 or 5 times a power of ten.
    pub ticks: Vec<f64>,
    /// The number of decimals that the labels need.
    pub decimals: usize,
}

impl Axis {
    /// Creates an axis that begins and ends at a tick and includes all finite `values`. Chooses a range if there are none or
    /// all are equal.
    pub fn around(values: impl Iterator<Item = f64>) -> Self {
        let finite = values.filter(|value| value.is_finite()).map(|value| value.clamp(-LIMIT, LIMIT));
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), x| (lo.min(x), hi.max(x)));
        let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
        // Nearly equal floats leave no room for ticks.
        let margin = if high - low > 1e-9 * low.abs().max(high.abs()) { 0.0 } else { low.abs().max(1.0) / 2.0 };
        let (low, high) = (low - margin, high + margin);
        let step = round_step((high - low) / 4.0);
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        Axis {
            low: first * step,
            high: last * step,
            ticks: (0..=(last - first) as usize).map(|at| (first + at as f64) * step).collect(),
            decimals: (-libm::log10(step).floor()).clamp(0.0, 9.0) as usize,
        }
    }

    /// Returns the position of `value`: 0 at the low end, 1 at the high end, never outside.
    pub fn place(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

/// Rounds `step` to 1, 2 or 5 times a power of ten.
fn round_step(step: f64) -> f64 {
    let power = libm::pow(10.0, libm::log10(step).floor());
    match step / power {
        ratio if ratio < 1.5 => power,
        ratio if ratio < 3.5 => 2.0 * power,
        ratio if ratio < 7.5 => 5.0 * power,
        _ => 10.0 * power,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_the_values() {
        let axis = Axis::around([30.52, 36.78].into_iter());
        assert_eq!((axis.ticks.as_slice(), axis.decimals), ([30.0, 32.0, 34.0, 36.0, 38.0].as_slice(), 0));
        assert_eq!((axis.place(30.0), axis.place(34.0), axis.place(99.0)), (0.0, 0.5, 1.0));
    }

    #[test]
    fn hostile_values_give_some_axis() {
        let all = [f64::NAN, f64::INFINITY, f64::MAX, f64::MIN, 0.0, 1e-320, 7.0, 7.0 + 1e-15];
        for low in all {
            for high in all {
                let axis = Axis::around([low, high].into_iter());
                assert!((2..=12).contains(&axis.ticks.len()), "{low} {high} {axis:?}");
                assert!(axis.low < axis.high && axis.ticks.iter().all(|tick| tick.is_finite()), "{axis:?}");
                assert!((0.0..=1.0).contains(&axis.place(1.0)), "{axis:?}");
            }
        }
    }
}
