//! A file tree becomes a project kind and its build steps; test reports become counts.
