//! The float product of attention: rows of weights times values.

use super::lanes::{LANES, Lanes};
use super::linear::Put;

/// `y[row] = Σ_t weights[row, t] · values[t]` for every row of weights. Values are rows of `groups` groups; a row of weights
/// has one for every value, filled up to whole lanes.
#[inline(always)]
pub(super) fn weigh<L: Lanes>(
    l: L,
    weights: &[[f32; LANES]],
    values: &[[f32; LANES]],
    groups: usize,
    put: &mut impl Put<L>,
) {
    let rows = weights.len() / (values.len() / groups).div_ceil(LANES);
    for group in 0..groups {
        let mut row = 0;
        if L::FLOAT_ROWS >= 8 {
            while row + 8 <= rows {
                weigh_rows::<L, 8>(l, weights, values, groups, (row, group), put);
                row += 8;
            }
        }
        if L::FLOAT_ROWS >= 4 {
            while row + 4 <= rows {
                weigh_rows::<L, 4>(l, weights, values, groups, (row, group), put);
                row += 4;
            }
        }
        while row < rows {
            weigh_rows::<L, 1>(l, weights, values, groups, (row, group), put);
            row += 1;
        }
    }
}

#[inline(always)]
fn weigh_rows<L: Lanes, const R: usize>(
    l: L,
    weights: &[[f32; LANES]],
    values: &[[f32; LANES]],
    groups: usize,
    (first, group): (usize, usize),
    put: &mut impl Put<L>,
) {
    let tokens = values.len() / groups;
    let mut rows = [&[][..]; R];
    for (r, row) in rows.iter_mut().enumerate() {
        *row = &weights.as_flattened()[(first + r) * tokens.div_ceil(LANES) * LANES..][..tokens];
    }
    let mut sums = [l.splat(0.0); R];
    for (token, value) in values.chunks_exact(groups).enumerate() {
        let value = l.load(&value[group]);
        for r in 0..R {
            sums[r] = l.mul_add(l.splat(rows[r][token]), value, sums[r]);
        }
    }
    for (r, sum) in sums.into_iter().enumerate() {
        put.put(first + r, group, sum);
    }
}
