#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bert8_fuzz::round_trip(data));
