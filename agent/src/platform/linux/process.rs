//! What keeps a process of ours from being traced, dumped or led astray by its environment.

use nix::libc;
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{getegid, geteuid, getgid, setfsgid};
use std::ffi::OsString;
use std::io;

/// No core dump, no tracing by the user, no new privileges through anything started from here.
///
/// INVARIANT 9: titles never reach a core dump.
///
/// # Errors
/// When the kernel refuses one of these; the process should not go on.
pub fn harden_process() -> io::Result<()> {
    prctl::set_dumpable(false)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    prctl::set_no_new_privs()?;
    Ok(())
}

/// Whether this process runs as root.
#[must_use]
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// Whether the kernel started this process with rights its caller lacks (setgid), so that nothing the caller set
/// may be trusted.
#[must_use]
pub fn is_secure_exec() -> bool {
    // SAFETY: getauxval reads the process's own auxiliary vector and touches no memory of ours.
    #[expect(unsafe_code, reason = "no safe wrapper for AT_SECURE")]
    let secure = unsafe { libc::getauxval(libc::AT_SECURE) };
    secure != 0
}

/// Forgets every environment variable but these. To be called before there is a second thread.
pub fn keep_only_environment(names: &[&str]) {
    let others: Vec<OsString> = std::env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| !names.iter().any(|kept| name == kept))
        .collect();
    for name in others {
        // SAFETY: the caller has started no thread yet, so nobody reads the environment meanwhile.
        #[expect(
            unsafe_code,
            reason = "changing the environment is unsafe once there are threads"
        )]
        unsafe {
            std::env::remove_var(name);
        }
    }
}

/// From here on this thread opens files with the user's own group, not the one a setgid program was given: the user
/// chooses some of the paths (`XAUTHORITY`), and must not have files read that are not theirs.
pub fn act_on_files_as_the_user() {
    setfsgid(getgid());
}

/// Does something for which files are opened that the user chooses, and then has the program's own rights again.
pub fn with_the_users_files<T>(work: impl FnOnce() -> T) -> T {
    act_on_files_as_the_user();
    let done = work();
    setfsgid(getegid());
    done
}
