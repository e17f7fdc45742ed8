//! Stand-in models and throwaway projects for tests.
