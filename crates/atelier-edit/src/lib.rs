//! Replies become edits, and edits applied to a file tree become a new file tree.
