//! Plain Rust: the reference for the other kernels, and the kernel of machines without supported SIMD.

use super::{Dot, Panel, Sums};
use super::{GROUP, PANEL};
use super::{LANES, Lanes};

/// Scalar lanes and products, available everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::kernels) struct Scalar;

fn each<T: Copy, U, const N: usize>(a: [T; N], b: [T; N], f: impl Fn(T, T) -> U) -> [U; N] {
    std::array::from_fn(|i| f(a[i], b[i]))
}

impl Lanes for Scalar {
    type F32 = [f32; LANES];
    type I32 = [i32; LANES];
    const ROWS: usize = 1;

    fn splat(self, x: f32) -> Self::F32 {
        [x; LANES]
    }

    fn load(self, from: &[f32; LANES]) -> Self::F32 {
        *from
    }

    fn store(self, x: Self::F32, to: &mut [f32; LANES]) {
        *to = x;
    }

    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        each(a, b, |a, b| a + b)
    }

    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        each(a, b, |a, b| a - b)
    }

    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        each(a, b, |a, b| a * b)
    }

    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        each(a, b, |a, b| a / b)
    }

    fn fused_mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32 {
        self.mul_add(a, b, c)
    }

    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        each(a, b, |a, b| if a < b { a } else { b })
    }

    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        each(a, b, |a, b| if a > b { a } else { b })
    }

    fn splat_i32(self, x: i32) -> Self::I32 {
        [x; LANES]
    }

    fn load_i32(self, from: &[i32; LANES]) -> Self::I32 {
        *from
    }

    fn store_i32(self, x: Self::I32, to: &mut [i32; LANES]) {
        *to = x;
    }

    fn widen_i8(self, from: &[i8; LANES]) -> Self::I32 {
        from.map(i32::from)
    }

    fn add_i32(self, a: Self::I32, b: Self::I32) -> Self::I32 {
        each(a, b, i32::wrapping_add)
    }

    fn sub_i32(self, a: Self::I32, b: Self::I32) -> Self::I32 {
        each(a, b, i32::wrapping_sub)
    }

    fn shift_to_exponent(self, x: Self::I32) -> Self::I32 {
        x.map(|x| x << 23)
    }

    fn to_f32(self, x: Self::I32) -> Self::F32 {
        x.map(|x| x as f32)
    }

    fn to_bits(self, x: Self::F32) -> Self::I32 {
        x.map(|x| x.to_bits() as i32)
    }

    fn bits_to_f32(self, x: Self::I32) -> Self::F32 {
        x.map(|x| f32::from_bits(x as u32))
    }

    fn to_bytes(self, x: Self::I32) -> [u8; LANES] {
        x.map(|x| x as u8)
    }

    fn to_pairs(self, x: Self::I32) -> [i32; LANES / 2] {
        std::array::from_fn(|i| x[2 * i] & 0xffff | x[2 * i + 1] << 16)
    }

    fn pair(self, low: Self::I32, high: Self::I32) -> Self::I32 {
        each(low, high, |low, high| low & 0xffff | high << 16)
    }

    fn dot_pairs(self, a: Self::I32, b: Self::I32, c: Self::I32) -> Self::I32 {
        let dot = |a: i32, b: i32| i32::from(a as i16) * i32::from(b as i16) + (a >> 16) * (b >> 16);
        self.add_i32(each(a, b, dot), c)
    }

    fn add_pairs(self, a: Self::I32, b: Self::I32) -> Self::I32 {
        self.pair(self.add_i32(a, b), each(a, b, |a, b| (a >> 16) + (b >> 16)))
    }

    fn sub_pairs(self, a: Self::I32, b: Self::I32) -> Self::I32 {
        self.pair(self.sub_i32(a, b), each(a, b, |a, b| (a >> 16) - (b >> 16)))
    }

    fn widen_pairs(self, from: &[[u8; 2]; LANES]) -> Self::I32 {
        from.map(|[first, second]| i32::from(first) | i32::from(second) << 16)
    }

    fn outside_i16(self, x: Self::I32) -> u32 {
        (0..LANES).map(|i| u32::from(i16::try_from(x[i]).is_err()) << i).sum()
    }

    fn pair_sums_beyond_128(self, from: &[i8; 2 * LANES]) -> u32 {
        let far = |[first, second]: [i8; 2]| (i16::from(first) + i16::from(second)).abs() > 128;
        from.as_chunks().0.iter().enumerate().map(|(i, &pair)| u32::from(far(pair)) << i).sum()
    }
}

impl Dot for Scalar {
    type Lanes = Scalar;
    const WIDTH: usize = 1;
    const SHIFT: i32 = 0;
    const ROWS: usize = 1;

    fn lanes(self) -> Scalar {
        self
    }

    unsafe fn tile<const R: usize>(self, a: *const u8, stride: usize, panel: Panel, sums: &mut Sums<Self>) {
        sums[..R].fill([0; PANEL]);
        for (group, block) in panel.blocks.iter().enumerate() {
            for (r, sums) in sums[..R].iter_mut().enumerate() {
                for (column, sum) in sums.iter_mut().enumerate() {
                    for k in 0..GROUP {
                        // SAFETY: the caller guarantees GROUP bytes per block in every row.
                        let activation = unsafe { *a.add(r * stride + group * GROUP + k) };
                        *sum += i32::from(activation) * i32::from(block.0[column * GROUP + k]);
                    }
                }
            }
        }
    }
}
