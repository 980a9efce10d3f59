//! Memory is asked of the system in few places and given back soon: what a burst needed must not stay ours.

use nix::libc;

/// Larger blocks are mapped on their own, and go back to the system when they are freed.
const MAPPED_ALONE: libc::c_int = 64 * 1024;

/// Makes all threads take memory from one place, so that each does not keep its own reserve. To be called before there
/// is a second thread. Without effect where the C library knows no such setting.
pub fn keep_memory_together() {
    // SAFETY: mallopt only sets the allocator's own parameters, and no other thread allocates yet.
    #[expect(unsafe_code, reason = "no safe wrapper for mallopt")]
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        // Set once, it does not creep up with the largest block that was ever freed.
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_ALONE);
    }
}

/// Gives what is free back to the system, also from between what is in use.
pub fn give_memory_back() {
    // SAFETY: malloc_trim takes the allocator's own lock and moves nothing that is in use.
    #[expect(unsafe_code, reason = "no safe wrapper for malloc_trim")]
    unsafe {
        libc::malloc_trim(0);
    }
}
