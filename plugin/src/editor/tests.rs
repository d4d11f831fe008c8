//! Logic of the editor, run without a window.
