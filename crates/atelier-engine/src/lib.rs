//! Drives a run: executes, verifies, commits, documents and resumes.
