//! Which of the available kernels to use.

use super::agreement::agrees_with_scalar;
use super::isa::Kernel;
use std::str::FromStr;
use std::sync::OnceLock;

impl Kernel {
    /// Returns the fastest available kernel whose results are those of [`Kernel::SCALAR`] on this processor. Detects it once per
    /// process.
    pub fn detect() -> Self {
        static BEST: OnceLock<Kernel> = OnceLock::new();
        *BEST.get_or_init(|| fastest(Kernel::all(), agrees_with_scalar))
    }
}

/// Returns the last of `kernels` that `agrees`.
fn fastest(kernels: impl DoubleEndedIterator<Item = Kernel>, agrees: impl Fn(Kernel) -> bool) -> Kernel {
    kernels.rev().find(|&kernel| agrees(kernel)).unwrap_or(Kernel::SCALAR)
}

impl FromStr for Kernel {
    type Err = String;

    /// Returns the kernel called `name`, or the fastest one for `auto`.
    ///
    /// # Errors
    /// If no available kernel has that name; the message lists the available ones. Also if the kernel's results are not those of
    /// [`Kernel::SCALAR`] on this processor.
    fn from_str(name: &str) -> Result<Self, String> {
        if name == "auto" {
            return Ok(Kernel::detect());
        }
        match Kernel::all().find(|kernel| kernel.name() == name) {
            Some(kernel) if agrees_with_scalar(kernel) => Ok(kernel),
            Some(_) => Err(format!("the kernel `{name}` computes wrong results on this processor; choose auto")),
            None => {
                let names: Vec<_> = Kernel::all().map(Kernel::name).collect();
                Err(format!("the kernel `{name}` is not available here; choose {} or auto", names.join(", ")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_differs_is_passed_over() {
        let kernels: Vec<Kernel> = Kernel::all().collect();
        let fastest = |agrees: &dyn Fn(Kernel) -> bool| super::fastest(kernels.iter().copied(), agrees);
        assert_eq!(Some(&fastest(&|_| true)), kernels.last());
        assert_eq!(fastest(&|kernel| Some(&kernel) == kernels.first()), kernels[0]);
        assert_eq!(fastest(&|_| false), Kernel::SCALAR);
    }
}
