//! A macro for calls of a plugin's functions.

/// Calls a function of the plugin's own table or of one of its extensions.
macro_rules! call {
    ($self:ident, $table:expr, $function:ident $(, $argument:expr)*) => {{
        let function = required($table.$function, stringify!($function))?;
        // SAFETY: the plugin is alive, owns this table, and is in a state that allows the call;
        // pointers among the arguments are valid during the call.
        unsafe { function($self.plugin.as_ptr() $(, $argument)*) }
    }};
}
pub(super) use call;
