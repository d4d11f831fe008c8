//! Texts in the fixed arrays of VST3.

use vst3::Steinberg::Vst::TChar;

/// Writes as much of `text` as fits, always NUL-terminated.
pub(super) fn write_string128(to: &mut [TChar; 128], text: &str) {
    to.fill(0);
    for (slot, unit) in to.iter_mut().take(127).zip(text.encode_utf16()) {
        *slot = unit;
    }
}
