//! Vectors of eight bins, for instructions that process several at once.

use std::ops::{Add, Mul, Sub};

/// Bins processed together.
pub(super) const LANES: usize = 8;

/// Returns the number of blocks for `num_bins` bins.
pub(super) const fn num_blocks(num_bins: usize) -> usize {
    num_bins.div_ceil(LANES)
}

/// Eight real numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(32))]
pub(super) struct Real(pub(super) [f32; LANES]);

/// Eight complex numbers, with separate real and imaginary parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Complex {
    pub(super) re: Real,
    pub(super) im: Real,
}

impl Real {
    pub(super) const ZERO: Self = Self([0.0; LANES]);

    #[inline(always)]
    pub(super) fn splat(value: f32) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    pub(super) fn load(values: &[f32]) -> Self {
        let mut lanes = [0.0; LANES];
        lanes.copy_from_slice(&values[..LANES]);
        Self(lanes)
    }

    #[inline(always)]
    pub(super) fn map(self, f: impl Fn(f32) -> f32) -> Self {
        Self(self.0.map(f))
    }

    #[inline(always)]
    pub(super) fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        let mut lanes = self.0;
        for (a, b) in lanes.iter_mut().zip(other.0) {
            *a = f(*a, b);
        }
        Self(lanes)
    }

    #[inline(always)]
    pub(super) fn any_above(self, other: Self) -> bool {
        self.0.iter().zip(other.0).any(|(&a, b)| a > b)
    }
}

impl Add for Real {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
}

impl Sub for Real {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
}

impl Mul for Real {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
}

impl Complex {
    pub(super) const ZERO: Self = Self { re: Real::ZERO, im: Real::ZERO };

    #[inline(always)]
    pub(super) fn conj(self) -> Self {
        Self { re: self.re, im: self.im.map(|x| -x) }
    }

    #[inline(always)]
    pub(super) fn scale(self, by: Real) -> Self {
        Self { re: self.re * by, im: self.im * by }
    }

    #[inline(always)]
    pub(super) fn norm_sqr(self) -> Real {
        self.re * self.re + self.im * self.im
    }
}

impl Add for Complex {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self { re: self.re + other.re, im: self.im + other.im }
    }
}

impl Sub for Complex {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self { re: self.re - other.re, im: self.im - other.im }
    }
}

impl Mul for Complex {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self {
            re: self.re * other.re - self.im * other.im,
            im: self.re * other.im + self.im * other.re,
        }
    }
}
