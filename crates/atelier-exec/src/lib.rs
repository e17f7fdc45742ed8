//! Sandboxed processes, git and file trees on disk.
