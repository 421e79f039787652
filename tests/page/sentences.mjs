// Sentence pairs for the tests.

export const SAME = ["The museum opens at nine in the morning.", "The museum opens at 9 a.m."];
export const OTHER = ["The museum opens at nine in the morning.", "My sister plays the violin."];
