//! Files taken apart and put together.
