//! rust-allow-list: only the pairs on a list may communicate. A plugin in Rust.
//!
//!   AUTHORIZE_NODES_COMMUNICATION_PLUGIN=rust-allow-list ALLOW_LIST='alice>bob,*>hub' crolang-broker
//!
//! A pair `from>to` is allowed in that direction; `*` stands for any node.

mod crolang;

use crolang::{c_str, Str};
use std::collections::{HashMap, HashSet};
use std::mem::size_of;
use std::os::raw::{c_char, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};

const ANY: &[u8] = b"*";

/// Sender to receivers. Looked up for each message by the borrowed bytes, without a copy.
struct AllowList(HashMap<Vec<u8>, HashSet<Vec<u8>>>);

impl AllowList {
    fn parse(text: &str) -> Result<AllowList, String> {
        let mut list = AllowList(HashMap::new());
        for entry in text.split(',').map(str::trim) {
            match entry.split_once('>') {
                Some((from, to)) if !from.is_empty() && !to.is_empty() && !to.contains('>') => {
                    list.0.entry(from.into()).or_default().insert(to.into());
                }
                _ => return Err(format!("ALLOW_LIST: '{}' is not from>to", entry)),
            }
        }
        Ok(list)
    }

    fn allows(&self, from: &[u8], to: &[u8]) -> bool {
        [from, ANY].iter().any(|&sender| {
            let receivers = self.0.get(sender);
            receivers.map_or(false, |known| known.contains(to) || known.contains(ANY))
        })
    }
}

/// A panic must not unwind into the broker: it becomes "could not answer".
fn decide(question: impl FnOnce() -> bool) -> (crolang::Status, bool) {
    match catch_unwind(AssertUnwindSafe(question)) {
        Ok(yes) => (crolang::OK, yes),
        Err(_) => (crolang::INTERNAL, false),
    }
}

unsafe extern "C" fn authorize(
    this: *mut c_void,
    from: Str,
    to: Str,
    _deadline_ms: u32,
    answer: crolang::YesNo,
    op: *mut c_void,
) {
    let list = &*(this as *const AllowList);
    let (status, yes) = decide(|| list.allows(from.bytes(), to.bytes()));
    // For the broker's log; it counts for a "no" only.
    let reason = if yes { Str::NONE } else { Str::lend("ALLOW_LIST") };
    answer(op, status, yes, reason);
}

/// Reports what create would refuse, for `crolang-broker --check-config`.
unsafe extern "C" fn check(to: *const crolang::Check) {
    let to = &*to;
    let parsed = catch_unwind(AssertUnwindSafe(|| AllowList::parse(&to.env(b"ALLOW_LIST\0"))));
    match parsed {
        Ok(Ok(_)) => {}
        Ok(Err(sentence)) => to.fault(&sentence),
        Err(_) => to.fault("ALLOW_LIST: the plugin panicked"),
    }
}

fn make(host: &crolang::Host) -> Result<Box<AllowList>, String> {
    let list = AllowList::parse(&host.env(b"ALLOW_LIST\0"))?;
    host.log(crolang::LOG_INFO, &format!("senders on the list: {}", list.0.len()));
    Ok(Box::new(list))
}

unsafe extern "C" fn create(
    host: *const crolang::Host,
    this: *mut *mut c_void,
    error: *mut c_char,
    error_size: usize,
) -> crolang::Status {
    let made = catch_unwind(AssertUnwindSafe(|| make(&*host)));
    match made.unwrap_or_else(|_| Err("the plugin panicked".to_string())) {
        Ok(list) => {
            *this = Box::into_raw(list) as *mut c_void;
            crolang::OK
        }
        Err(sentence) => {
            crolang::write_error(&sentence, error, error_size);
            crolang::INTERNAL
        }
    }
}

unsafe extern "C" fn stop(
    _this: *mut c_void,
    stopped: unsafe extern "C" fn(op: *mut c_void),
    op: *mut c_void,
) {
    stopped(op);
}

unsafe extern "C" fn destroy(this: *mut c_void) {
    drop(Box::from_raw(this as *mut AllowList));
}

static ENV: [crolang::Env; 1] = [crolang::Env {
    name: c_str(b"ALLOW_LIST\0"),
    kind: crolang::STRING,
    flags: crolang::REQUIRED,
    default_value: std::ptr::null(),
    help: c_str(b"pairs from>to that may communicate, separated by commas; * is any node\0"),
}];

static TABLE: crolang::Authorization =
    crolang::Authorization { size: size_of::<crolang::Authorization>() as u32, authorize };

static MODULES: [crolang::Module; 1] = [crolang::Module {
    kind: c_str(crolang::AUTHORIZATION),
    table: &TABLE as *const crolang::Authorization as *const c_void,
}];

#[no_mangle]
#[allow(non_upper_case_globals)]
pub static crolang_plugin_entry: crolang::Plugin = crolang::Plugin {
    magic: crolang::MAGIC,
    abi_major: crolang::ABI_MAJOR,
    abi_minor: 0,
    size: size_of::<crolang::Plugin>() as u32,
    reserved: 0,
    id: c_str(b"org.crolang.example.rust-allow-list\0"),
    version: c_str(b"1.0.0\0"),
    description: c_str(b"lets only the pairs on a list communicate\0"),
    env: ENV.as_ptr(),
    env_count: ENV.len(),
    modules: MODULES.as_ptr(),
    module_count: MODULES.len(),
    create,
    stop,
    destroy,
    check: Some(check),
    reload: None, // no variable of it is reloadable
};

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(list: &str, from: &str, to: &str) -> bool {
        AllowList::parse(list).unwrap().allows(from.as_bytes(), to.as_bytes())
    }

    #[test]
    fn allows_a_pair_in_its_direction_only() {
        assert!(allows("alice>bob", "alice", "bob"));
        assert!(!allows("alice>bob", "bob", "alice"));
        assert!(!allows("alice>bob", "alice", "bobby"));
    }

    #[test]
    fn allows_anybody_where_a_star_stands() {
        assert!(allows("*>server, alice>*", "bob", "server"));
        assert!(allows("*>server, alice>*", "alice", "bob"));
        assert!(!allows("*>server, alice>*", "bob", "alice"));
    }

    #[test]
    fn refuses_what_is_no_pair() {
        for list in ["", "alice", "alice>", ">bob", "alice>bob>carol", "alice>bob,"] {
            assert!(AllowList::parse(list).is_err(), "{}", list);
        }
        let refusal = AllowList::parse("alice>bob, carol").err();
        assert_eq!(refusal.as_deref(), Some("ALLOW_LIST: 'carol' is not from>to"));
    }

    #[test]
    fn turns_a_panic_into_a_status() {
        assert_eq!(decide(|| panic!("a defect")), (crolang::INTERNAL, false));
        assert_eq!(decide(|| true), (crolang::OK, true));
    }
}
