//! The one door to language models: providers and the policy layers around them.
