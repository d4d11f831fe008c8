//! Text in the fields of C structures.

use std::ffi::c_char;

/// Returns the text in a fixed field, up to its terminator or its end.
pub(crate) fn field_text(field: &[c_char]) -> String {
    let bytes: Vec<u8> =
        field.iter().take_while(|&&byte| byte != 0).map(|byte| byte.to_ne_bytes()[0]).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
