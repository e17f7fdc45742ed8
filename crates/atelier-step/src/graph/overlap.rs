//! Where steps read and write, found by place: who writes what another reads.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
};

use atelier_model::{BuildStep, PatternForm, RootPattern};

use super::{EDGES_MAX, Edge, GraphError, StepIndex, indices, within};
use crate::pattern::PathSet;

/// What all steps write and read.
#[derive(Debug, Clone)]
pub(super) struct Places {
    outputs: Vec<Output>,
    /// Outputs by the folder or path that all of each lies below.
    by_base: BTreeMap<String, Vec<usize>>,
    reads: Vec<Read>,
    /// Each pattern that is read, once, however many name it.
    inputs: Vec<Input>,
    /// Of these, those by the folder or path that all of each lies below.
    inputs_by_base: HashMap<String, Vec<usize>>,
}

/// A pattern that steps read.
#[derive(Debug, Clone)]
struct Input {
    paths: PathSet,
    readers: Vec<StepIndex>,
}

#[derive(Debug, Clone)]
struct Output {
    step: StepIndex,
    pattern: RootPattern,
    paths: PathSet,
}

/// The inputs of one step.
#[derive(Debug, Clone)]
struct Read {
    patterns: Vec<RootPattern>,
    excluded: Vec<PathSet>,
    /// Whether the step says what it reads.
    said: bool,
}

impl Places {
    /// Sorts what the steps read and write; refuses two that write one file and one that reads its
    /// own.
    pub(super) fn new(steps: &[BuildStep]) -> Result<Self, GraphError> {
        let mut places = Self {
            outputs: Vec::new(),
            by_base: BTreeMap::new(),
            reads: Vec::with_capacity(steps.len()),
            inputs: Vec::new(),
            inputs_by_base: HashMap::new(),
        };
        let mut readers: HashMap<RootPattern, Vec<StepIndex>> = HashMap::new();
        for (index, step) in indices(steps.len()).zip(steps) {
            let (excluded, patterns): (Vec<_>, Vec<_>) = step
                .inputs_from_root()
                .into_iter()
                .partition(|one| one.excluded);
            for pattern in &patterns {
                readers.entry(pattern.clone()).or_default().push(index);
            }
            places.reads.push(Read {
                patterns,
                excluded: excluded.iter().map(PathSet::of_input).collect(),
                said: !step.inputs.is_empty(),
            });
            for pattern in step.outputs_from_root() {
                places.put(steps, index, pattern)?;
            }
        }
        for (at, (pattern, readers)) in readers.into_iter().enumerate() {
            let paths = PathSet::of_input(&pattern);
            let known = places.inputs_by_base.entry(paths.base.clone());
            known.or_default().push(at);
            places.inputs.push(Input { paths, readers });
        }
        Ok(places)
    }

    fn put(
        &mut self,
        steps: &[BuildStep],
        step: StepIndex,
        pattern: RootPattern,
    ) -> Result<(), GraphError> {
        let paths = PathSet::of_output(&pattern);
        let name = |step: StepIndex| steps[step.get()].name.clone();
        let other = self
            .beside(&paths.base)
            .map(|at| &self.outputs[at])
            .find(|other| other.step != step && other.paths.meets(&paths));
        if let Some(other) = other {
            return Err(GraphError::SameOutput {
                first: name(other.step),
                second: name(step),
                output: pattern.to_string(),
            });
        }
        let read = &self.reads[step.get()];
        let own = |input: &&RootPattern| {
            **input == pattern
                || (read.said && input.form != PatternForm::Glob && paths.contains(&input.text))
        };
        if let Some(input) = read.patterns.iter().find(own) {
            return Err(GraphError::OwnOutput {
                step: name(step),
                path: input.to_string(),
            });
        }
        let at = self.outputs.len();
        self.by_base.entry(paths.base.clone()).or_default().push(at);
        self.outputs.push(Output {
            step,
            pattern,
            paths,
        });
        Ok(())
    }

    /// The outputs that can lie where something lies that is, or is below, `base`: those at it, below
    /// it and above it.
    fn beside<'a>(&'a self, base: &'a str) -> impl Iterator<Item = usize> + 'a {
        let from = (Bound::Included(base), Bound::Unbounded);
        let at_or_below = move |key: &str| {
            let rest = key.strip_prefix(base);
            rest.is_some_and(|rest| base.is_empty() || rest.is_empty() || rest.starts_with('/'))
        };
        let below = self
            .by_base
            .range::<str, _>(from)
            .take_while(move |(key, _)| key.starts_with(base))
            .filter(move |(key, _)| at_or_below(key))
            .map(|(_, outputs)| outputs);
        let above = folders(base).filter_map(|folder| self.by_base.get(folder));
        below.chain(above).flatten().copied()
    }

    pub(super) fn outputs(&self) -> impl Iterator<Item = (StepIndex, &RootPattern)> {
        self.outputs
            .iter()
            .map(|output| (output.step, &output.pattern))
    }

    pub(super) fn producer(&self, path: &str) -> Option<StepIndex> {
        let mut found = self.beside(path).map(|at| &self.outputs[at]);
        let output = found.find(|output| output.paths.contains(path))?;
        Some(output.step)
    }

    /// Adds an edge wherever a step reads what another writes.
    pub(super) fn seen(&self, edges: &mut Vec<Edge>) -> Result<(), GraphError> {
        for Input { paths, readers } in &self.inputs {
            let mut written = self
                .beside(&paths.base)
                .map(|at| &self.outputs[at])
                .peekable();
            if written.peek().is_none() {
                continue;
            }
            let written: Vec<_> = written.filter(|output| output.paths.meets(paths)).collect();
            for reader in readers {
                let read = &self.reads[reader.get()];
                let others = written.iter().filter(|output| {
                    read.said && output.step != *reader && !read.leaves_out(&output.pattern)
                });
                edges.extend(others.map(|output| (*reader, output.step)));
                within("dependencies", edges.len(), EDGES_MAX)?;
            }
        }
        Ok(())
    }

    /// What of another step's outputs a step reads.
    pub(super) fn between(&self, reader: StepIndex, writer: StepIndex) -> Option<String> {
        let read = self.reads.get(reader.get())?;
        let sets: Vec<_> = read.patterns.iter().map(PathSet::of_input).collect();
        let mut written = self.outputs.iter().filter(|output| output.step == writer);
        let output = written.find(|output| {
            let meets = sets.iter().any(|set| set.meets(&output.paths));
            meets && !read.leaves_out(&output.pattern)
        });
        output.map(|output| output.pattern.to_string())
    }

    /// Adds the steps that read or write a path.
    pub(super) fn concerned(&self, path: &str, steps: &mut BTreeSet<StepIndex>) {
        let producer = self.producer(path);
        steps.extend(producer);
        let places = folders(path).chain([path]);
        let at = places.filter_map(|place| self.inputs_by_base.get(place));
        let inputs = at.flatten().map(|at| &self.inputs[*at]);
        for input in inputs.filter(|input| input.paths.contains(path)) {
            let reads = |step: &&StepIndex| {
                let read = &self.reads[step.get()];
                let made = producer.is_some() && !read.said;
                !made && !read.excluded.iter().any(|set| set.contains(path))
            };
            steps.extend(input.readers.iter().filter(reads));
        }
    }
}

/// The folders above a path, from the root on; none above the root itself.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    let root = (!path.is_empty()).then_some("");
    let others = path.match_indices('/').map(|(at, _)| &path[..at]);
    root.into_iter().chain(others)
}

impl Read {
    /// Whether the step says that it does not read any of an output.
    fn leaves_out(&self, output: &RootPattern) -> bool {
        let whole = |set: &PathSet| match output.form {
            PatternForm::Path | PatternForm::Folder => set.contains(&output.text),
            // The names are not known; what is left out at the base is left out.
            PatternForm::Glob => set.contains(output.base()),
        };
        self.excluded.iter().any(whole)
    }
}
