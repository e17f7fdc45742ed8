//! A foreign plan on its way to ours: tasks under the names their tool gave them.

use std::collections::{BTreeMap, BTreeSet};

use atelier_model::{
    ContextHints, Design, DevPlan, Phase, PhaseOutline, RequirementItem, Step, TechnologyStack,
};

use crate::{Format, ImportError, Planned};

/// A plan under the names of another tool.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// Name of the project.
    pub(crate) name: String,
    /// What is asked for as a whole.
    pub(crate) requirement: String,
    /// One or two sentences on the whole.
    pub(crate) summary: String,
    /// What is said on how it is built.
    pub(crate) overview: String,
    /// Main programming language, where it is said.
    pub(crate) language: String,
    /// The test tool, where it is said.
    pub(crate) testing: String,
    /// Packages, where they are said.
    pub(crate) dependencies: Vec<String>,
    /// Single statements with their ids.
    pub(crate) items: Vec<RequirementItem>,
    /// Phases: number, title, description.
    pub(crate) phases: Vec<(u32, String, String)>,
    /// Tasks in the order of the file.
    pub(crate) tasks: Vec<ForeignTask>,
    /// Orders that the text hints at: a task, and one that it probably needs.
    pub(crate) hints: Vec<(String, String)>,
    /// What was decided so far.
    pub(crate) notes: Vec<String>,
}

/// One task under its foreign name.
#[derive(Debug, Default)]
pub(crate) struct ForeignTask {
    /// Its name there: `T003`, `1.2`, `#12`.
    pub(crate) key: String,
    /// The phase it belongs to.
    pub(crate) phase: u32,
    /// Its place in the phase: the second part of its number.
    pub(crate) place: u32,
    pub(crate) title: String,
    pub(crate) description: String,
    /// Names of tasks that must be done first.
    pub(crate) needs: Vec<String>,
    /// Names of tasks that stand before it, and are done first unless the opposite is said.
    pub(crate) behind: Vec<String>,
    /// Files it names.
    pub(crate) outputs: Vec<String>,
    /// Ids of statements it serves.
    pub(crate) requirements: Vec<String>,
    /// Why it is not to be done: it is done already, or was given up.
    pub(crate) left_out: Option<String>,
}

impl ForeignTask {
    fn number(&self) -> String {
        format!("{}.{}", self.phase, self.place)
    }
}

impl Draft {
    /// The plan: what is left to do, in an order in which no two tasks write the same file at once.
    pub(crate) fn planned(mut self, format: Format) -> Result<Planned, ImportError> {
        self.one_name_each()?;
        self.one_place_each();
        self.follow_places();
        self.follow_hints();
        if self.items.is_empty() {
            self.items.push(RequirementItem {
                id: "R1".to_owned(),
                text: crate::words::title(&self.requirement),
            });
        }
        self.leave_out();
        let mut steps = self.steps();
        if steps.is_empty() {
            return Err(ImportError::AllDone);
        }
        self.order_writers(&mut steps);
        let notes = std::mem::take(&mut self.notes);
        let requirement = std::mem::take(&mut self.requirement);
        Ok(Planned {
            format,
            run: None,
            requirement,
            plan: self.plan(steps),
            notes,
        })
    }

    /// Whoever needs a task that stands twice could mean either.
    fn one_name_each(&self) -> Result<(), ImportError> {
        let mut seen = BTreeSet::new();
        let mut twice: Vec<String> = Vec::new();
        for task in &self.tasks {
            if !seen.insert(&task.key) && !twice.contains(&task.key) {
                twice.push(task.key.clone());
            }
        }
        if twice.is_empty() {
            Ok(())
        } else {
            Err(ImportError::Twice(twice))
        }
    }

    /// Tasks with names of their own may still come to the same number.
    fn one_place_each(&mut self) {
        let mut last: BTreeMap<u32, u32> = BTreeMap::new();
        for task in &self.tasks {
            let last = last.entry(task.phase).or_default();
            *last = task.place.max(*last);
        }
        let mut taken = BTreeSet::new();
        for task in &mut self.tasks {
            if !taken.insert((task.phase, task.place)) {
                let last = last.entry(task.phase).or_default();
                *last = last.saturating_add(1);
                task.place = *last;
                taken.insert((task.phase, task.place));
            }
        }
    }

    /// What is hinted at is an order unless the opposite is said.
    fn follow_hints(&mut self) {
        for (later, earlier) in std::mem::take(&mut self.hints) {
            let place = |key: &str| self.tasks.iter().position(|task| task.key == key);
            let (Some(one), Some(_)) = (place(&later), place(&earlier)) else {
                continue;
            };
            if self.reaches(&earlier, &later) {
                self.notes.push(format!(
                    "{later} would wait for {earlier}, which waits for it: that is left out"
                ));
            } else if !self.tasks[one].needs.contains(&earlier) {
                self.tasks[one].needs.push(earlier);
            }
        }
    }

    /// What stands before a task is done first. Only where something is said to need a task further
    /// down can that be the opposite of what is said.
    fn follow_places(&mut self) {
        let mut seen = BTreeSet::new();
        let mut only_back = true;
        for task in &self.tasks {
            only_back &= task.needs.iter().all(|need| seen.contains(need));
            seen.insert(task.key.clone());
        }
        for index in 0..self.tasks.len() {
            let mut needs = std::mem::take(&mut self.tasks[index].behind);
            let own = self.tasks[index].key.clone();
            needs.retain(|need| only_back || !self.reaches(need, &own));
            for said in std::mem::take(&mut self.tasks[index].needs) {
                if !needs.contains(&said) {
                    needs.push(said);
                }
            }
            self.tasks[index].needs = needs;
        }
    }

    /// Whether a task waits for another, directly or not.
    fn reaches(&self, from: &str, to: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(key) = open.pop() {
            if key == to {
                return true;
            }
            if seen.insert(key) {
                let tasks = self.tasks.iter().filter(|task| task.key == key);
                open.extend(tasks.flat_map(|task| &task.needs).map(String::as_str));
            }
        }
        false
    }

    fn leave_out(&mut self) {
        let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for task in &self.tasks {
            if let Some(reason) = &task.left_out {
                by_reason.entry(reason).or_default().push(&task.key);
            }
        }
        let notes: Vec<String> = by_reason
            .iter()
            .map(|(reason, keys)| format!("left out, because {reason}: {}", keys.join(", ")))
            .collect();
        let before: Vec<String> = self
            .tasks
            .iter()
            .filter_map(|task| {
                let reason = task.left_out.as_ref()?;
                Some(format!("- {} {} ({reason})", task.key, task.title))
            })
            .collect();
        if !before.is_empty() {
            let heading = "Not part of this plan:";
            let text = format!("{}\n\n{heading}\n{}", self.overview, before.join("\n"));
            text.trim().clone_into(&mut self.overview);
        }
        self.notes.extend(notes);
    }

    fn steps(&mut self) -> Vec<Step> {
        let numbers: BTreeMap<&str, Option<String>> = self
            .tasks
            .iter()
            .map(|task| {
                let number = task.left_out.is_none().then(|| task.number());
                (task.key.as_str(), number)
            })
            .collect();
        let known: BTreeSet<&str> = self.items.iter().map(|item| item.id.as_str()).collect();
        let first = self.items.first().map(|item| item.id.clone());
        let mut steps = Vec::new();
        let mut notes = Vec::new();
        for task in self.tasks.iter().filter(|task| task.left_out.is_none()) {
            let mut depends_on: Vec<String> = Vec::new();
            for need in &task.needs {
                match numbers.get(need.as_str()) {
                    Some(Some(number)) if !depends_on.contains(number) => {
                        depends_on.push(number.clone());
                    }
                    Some(_) => {}
                    None => notes.push(format!(
                        "{} depends on {need}, which is not in the file: the dependency is left out",
                        task.key
                    )),
                }
            }
            let mut requirements: Vec<String> = task.requirements.clone();
            requirements.retain(|id| known.contains(id.as_str()));
            if requirements.is_empty() {
                requirements.extend(first.clone());
            }
            steps.push(step(task, depends_on, requirements));
        }
        self.notes.extend(notes);
        steps
    }

    /// Tasks that may run at once and name the same file are done one after the other.
    fn order_writers(&mut self, steps: &mut [Step]) {
        let mut needs = needs_by_place(steps);
        let mut writers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut ordered = 0_usize;
        for later in 0..steps.len() {
            let paths = steps[later].outputs.clone();
            let same = paths.iter().filter_map(|path| writers.get(path));
            let earlier: BTreeSet<usize> = same.flatten().copied().collect();
            for earlier in earlier {
                if waits(&needs, later, earlier) || waits(&needs, earlier, later) {
                    continue;
                }
                let number = steps[earlier].number.clone();
                steps[later].depends_on.push(number);
                needs[later].push(earlier);
                ordered += 1;
            }
            for path in paths {
                writers.entry(path).or_default().push(later);
            }
        }
        if ordered > 0 {
            self.notes.push(format!(
                "{ordered} dependencies added between tasks that name the same file"
            ));
        }
    }

    fn plan(self, steps: Vec<Step>) -> DevPlan {
        let mut phases: Vec<Phase> = self
            .phases
            .iter()
            .map(|(number, title, description)| Phase {
                outline: PhaseOutline {
                    number: *number,
                    title: title.clone(),
                    description: description.clone(),
                    requirements: Vec::new(),
                    depends_on: Vec::new(),
                },
                steps: Vec::new(),
            })
            .collect();
        for step in steps {
            let number = phase_of(&step.number);
            if let Some(phase) = phases.iter_mut().find(|one| one.outline.number == number) {
                phase.steps.push(step);
            }
        }
        phases.retain(|phase| !phase.steps.is_empty());
        for phase in &mut phases {
            phase.outline.requirements = collected(&phase.steps, |step| &step.requirements);
            let needs = collected(&phase.steps, |step| &step.depends_on);
            let own = phase.outline.number;
            let before: BTreeSet<u32> = needs.iter().map(|need| phase_of(need)).collect();
            phase.outline.depends_on = before.into_iter().filter(|one| *one != own).collect();
        }
        DevPlan {
            summary: self.summary.clone(),
            design: self.design(),
            phases,
        }
    }

    fn design(self) -> Design {
        Design {
            name: self.name,
            summary: self.summary,
            objectives: Vec::new(),
            requirements: self.items,
            technology_stack: TechnologyStack {
                language: self.language,
                kind: String::new(),
                frameworks: Vec::new(),
                testing: self.testing,
            },
            architecture_overview: self.overview,
            components: Vec::new(),
            dependencies: self.dependencies,
            challenges: Vec::new(),
        }
    }
}

fn step(task: &ForeignTask, depends_on: Vec<String>, requirements: Vec<String>) -> Step {
    Step {
        number: task.number(),
        title: task.title.clone(),
        description: task.description.trim().to_owned(),
        why: format!("Imported as {}.", task.key),
        requirements,
        depends_on,
        inputs: Vec::new(),
        owns: task.outputs.clone(),
        outputs: task.outputs.clone(),
        protected: Vec::new(),
        acceptance: Vec::new(),
        context: ContextHints::default(),
    }
}

fn phase_of(number: &str) -> u32 {
    let first = number.split('.').next().unwrap_or_default();
    first.parse().unwrap_or(0)
}

/// What the steps of a phase name, each once and in order.
fn collected(steps: &[Step], of: impl Fn(&Step) -> &Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let all = steps.iter().flat_map(of);
    all.filter(|one| seen.insert((*one).clone()))
        .cloned()
        .collect()
}

/// What each step waits for, by their places in the list.
fn needs_by_place(steps: &[Step]) -> Vec<Vec<usize>> {
    let places: BTreeMap<&str, usize> = steps
        .iter()
        .enumerate()
        .map(|(index, step)| (step.number.as_str(), index))
        .collect();
    let needs = |step: &Step| {
        let known = step.depends_on.iter();
        known
            .filter_map(|need| places.get(need.as_str()).copied())
            .collect()
    };
    steps.iter().map(needs).collect()
}

/// Whether one step waits for another, directly or not.
fn waits(needs: &[Vec<usize>], one: usize, other: usize) -> bool {
    let mut seen = vec![false; needs.len()];
    let mut open = vec![one];
    while let Some(at) = open.pop() {
        for &place in &needs[at] {
            if place == other {
                return true;
            }
            if !std::mem::replace(&mut seen[place], true) {
                open.push(place);
            }
        }
    }
    false
}
