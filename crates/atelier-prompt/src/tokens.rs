//! How many tokens a text may be, without a model's own tokenizer.

/// Tokens of a text as most tokenizers count English and code: a token every 3.5 bytes, rounded
/// up. Good for packing and for estimates, never for a budget.
pub fn estimate(text: &str) -> usize {
    (text.len() * 2).div_ceil(7)
}

/// The most tokens a text can be: byte-level tokenizers never make more tokens than bytes. What a
/// budget reserves rests on this.
pub fn most(text: &str) -> usize {
    text.len()
}
