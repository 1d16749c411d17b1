//! What an authorization plugin needs of crolang/base.h, host.h, entry.h and authorization.h, in
//! Rust. Rules for ownership, threads and answers are stated in base.h. Structs of other kinds are
//! added in the same way; fields that are not read here come after those that are, and may be left
//! out.
#![allow(dead_code)]

use std::os::raw::{c_char, c_void};

pub const MAGIC: u64 = 0x3147_4e41_4c4f_5243;
pub const ABI_MAJOR: u32 = 1;
pub const AUTHORIZATION: &[u8] = b"authorization/1\0";

pub type Status = i32;
pub const OK: Status = 0;
pub const INTERNAL: Status = 5;

pub const LOG_INFO: i32 = 1;

pub const STRING: u32 = 0;
pub const REQUIRED: u32 = 1;

/// Borrowed bytes, not NUL-terminated.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Str {
    data: *const c_char,
    size: usize,
}

impl Str {
    pub const NONE: Str = Str { data: std::ptr::null(), size: 0 };

    pub fn lend(text: &str) -> Str {
        Str { data: text.as_ptr() as *const c_char, size: text.len() }
    }

    /// # Safety
    /// Valid only until the call that carries it returns.
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        if self.data.is_null() {
            return &[];
        }
        std::slice::from_raw_parts(self.data as *const u8, self.size)
    }
}

pub type YesNo = unsafe extern "C" fn(op: *mut c_void, status: Status, yes: bool, error: Str);

#[repr(C)]
pub struct Host {
    size: u32,
    abi_minor: u32,
    ctx: *mut c_void,
    log: unsafe extern "C" fn(ctx: *mut c_void, level: i32, text: Str),
    env: unsafe extern "C" fn(ctx: *mut c_void, name: *const c_char, value: *mut Str) -> bool,
}

impl Host {
    pub fn log(&self, level: i32, text: &str) {
        unsafe { (self.log)(self.ctx, level, Str::lend(text)) }
    }

    /// `name` ends with a NUL.
    pub fn env(&self, name: &[u8]) -> String {
        read_env(self.env, self.ctx, name)
    }
}

#[repr(C)]
pub struct Check {
    size: u32,
    ctx: *mut c_void,
    env: unsafe extern "C" fn(ctx: *mut c_void, name: *const c_char, value: *mut Str) -> bool,
    fault: unsafe extern "C" fn(ctx: *mut c_void, sentence: Str),
    warning: unsafe extern "C" fn(ctx: *mut c_void, sentence: Str),
}

impl Check {
    /// `name` ends with a NUL.
    pub fn env(&self, name: &[u8]) -> String {
        read_env(self.env, self.ctx, name)
    }

    pub fn fault(&self, sentence: &str) {
        unsafe { (self.fault)(self.ctx, Str::lend(sentence)) }
    }
}

fn read_env(
    env: unsafe extern "C" fn(ctx: *mut c_void, name: *const c_char, value: *mut Str) -> bool,
    ctx: *mut c_void,
    name: &[u8],
) -> String {
    assert_eq!(name.last(), Some(&0));
    let mut value = Str::NONE;
    let set = unsafe { env(ctx, name.as_ptr() as *const c_char, &mut value) };
    let bytes = if set { unsafe { value.bytes() } } else { &[] };
    String::from_utf8_lossy(bytes).into_owned()
}

#[repr(C)]
pub struct Env {
    pub name: *const c_char,
    pub kind: u32,
    pub flags: u32,
    pub default_value: *const c_char,
    pub help: *const c_char,
}

#[repr(C)]
pub struct Authorization {
    pub size: u32,
    pub authorize: unsafe extern "C" fn(
        this: *mut c_void,
        from: Str,
        to: Str,
        deadline_ms: u32,
        answer: YesNo,
        op: *mut c_void,
    ),
}

#[repr(C)]
pub struct Module {
    pub kind: *const c_char,
    pub table: *const c_void,
}

#[repr(C)]
pub struct Plugin {
    pub magic: u64,
    pub abi_major: u32,
    pub abi_minor: u32,
    pub size: u32,
    pub reserved: u32,
    pub id: *const c_char,
    pub version: *const c_char,
    pub description: *const c_char,
    pub env: *const Env,
    pub env_count: usize,
    pub modules: *const Module,
    pub module_count: usize,
    pub create: unsafe extern "C" fn(
        host: *const Host,
        this: *mut *mut c_void,
        error: *mut c_char,
        error_size: usize,
    ) -> Status,
    pub stop: unsafe extern "C" fn(
        this: *mut c_void,
        stopped: unsafe extern "C" fn(op: *mut c_void),
        op: *mut c_void,
    ),
    pub destroy: unsafe extern "C" fn(this: *mut c_void),
    pub check: Option<unsafe extern "C" fn(to: *const Check)>,
    pub reload: Option<unsafe extern "C" fn(this: *mut c_void)>,
}

// They are immutable.
unsafe impl Sync for Env {}
unsafe impl Sync for Module {}
unsafe impl Sync for Plugin {}

/// A C string of a literal that ends with a NUL.
pub const fn c_str(text: &'static [u8]) -> *const c_char {
    text.as_ptr() as *const c_char
}

/// Writes the error message with which the broker refuses to start.
///
/// # Safety
/// `error` has room for `size` bytes.
pub unsafe fn write_error(text: &str, error: *mut c_char, size: usize) {
    if size == 0 {
        return;
    }
    let length = text.len().min(size - 1);
    std::ptr::copy_nonoverlapping(text.as_ptr() as *const c_char, error, length);
    *error.add(length) = 0;
}
