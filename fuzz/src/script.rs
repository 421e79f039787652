//! Reads the fuzzer's bytes as the choices of an edit script. A script that has ended makes the first choice.

/// The choices that are left.
pub struct Script<'a> {
    rest: &'a [u8],
}

impl<'a> Script<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Script { rest: bytes }
    }

    pub fn has_ended(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        match self.rest.split_first() {
            Some((&byte, rest)) => {
                self.rest = rest;
                byte
            }
            None => 0,
        }
    }

    /// A number below `count`, or 0 if `count` is 0.
    pub fn below(&mut self, count: usize) -> usize {
        let number = u16::from_le_bytes([self.byte(), if count > 256 { self.byte() } else { 0 }]);
        usize::from(number) % count.max(1)
    }

    /// One of `choices`, which are not empty.
    pub fn choose<'c, T>(&mut self, choices: &'c [T]) -> &'c T {
        &choices[self.below(choices.len())]
    }

    /// A small number, or one at a limit of some type.
    pub fn number(&mut self) -> i64 {
        const LIMITS: [i64; 16] = [
            i64::MIN,
            i64::MAX,
            i32::MIN as i64,
            i32::MAX as i64,
            u32::MAX as i64,
            1 << 32,
            1 << 40,
            1 << 31,
            65_535,
            65_536,
            255,
            256,
            1024,
            100_000,
            -128,
            -129,
        ];
        match self.byte() {
            byte @ 0..=239 => i64::from(byte as i8),
            byte => LIMITS[usize::from(byte - 240)],
        }
    }

    /// The rest of the script.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }
}
