//! Reading, writing and removing: what a path allows.

use crate::command::{
    Judgement, field,
    place::Place,
    program::Call,
    rule::{Effect, Program},
    screen::Screen,
};

impl Screen<'_> {
    /// A program reads this.
    pub(super) fn reads(&mut self, path: &str, is_deep: bool) {
        let (verdict, what) = match self.place(path) {
            Place::Secret if self.is_inside(path) => (Judgement::Ask, "a file with secrets"),
            Place::Secret => (Judgement::Forbid, "a secret"),
            Place::Socket => (Judgement::Forbid, "a network connection as a file"),
            Place::Device => (Judgement::Forbid, "a device"),
            Place::HomeRoot | Place::Ancestor if is_deep => (
                Judgement::Forbid,
                "everything outside the workspace, secrets among it",
            ),
            Place::System if is_deep => (Judgement::Forbid, "a whole folder of the system"),
            Place::HomeRoot | Place::Home => (Judgement::Ask, "a home folder"),
            Place::Startup if !self.is_inside(path) => (Judgement::Ask, "a home folder"),
            Place::System => (Judgement::Ask, "a file of the system"),
            Place::Outside | Place::Ancestor => (Judgement::Ask, "outside the workspace"),
            Place::Harmless
            | Place::Startup
            | Place::WorkspaceRoot
            | Place::Repository
            | Place::Workspace
            | Place::TemporaryRoot
            | Place::Temporary
            | Place::Public
            | Place::Unknown => return,
        };
        self.about(verdict, "read", "reads", what, path);
    }

    /// A program writes this, or makes it.
    pub(super) fn writes(&mut self, path: &str) {
        let (verdict, what) = match self.place(path) {
            Place::Secret if self.is_inside(path) => return,
            Place::Secret => (Judgement::Forbid, "a file with secrets"),
            Place::Socket => (Judgement::Forbid, "a network connection as a file"),
            Place::Device => (Judgement::Forbid, "a device"),
            Place::Startup => (Judgement::Forbid, "a file that runs something later"),
            Place::Public | Place::System => (Judgement::Forbid, "a file of the system"),
            Place::Repository => (Judgement::Ask, "the records of version control"),
            Place::HomeRoot | Place::Home => (Judgement::Ask, "a home folder"),
            Place::Ancestor if self.resolved(path).as_deref() == Some("/") => {
                (Judgement::Forbid, "the root of the system")
            }
            Place::Outside | Place::Ancestor => (Judgement::Ask, "outside the workspace"),
            Place::Unknown => (Judgement::Ask, "a path that is not known before"),
            Place::Harmless
            | Place::WorkspaceRoot
            | Place::Workspace
            | Place::TemporaryRoot
            | Place::Temporary => return,
        };
        self.about(verdict, "write", "writes", what, path);
    }

    /// A program removes this, or makes it useless.
    pub(super) fn removes(&mut self, path: &str) {
        let (verdict, what) = match self.place(path) {
            Place::Harmless | Place::Device | Place::Socket => (Judgement::Forbid, "a device"),
            Place::WorkspaceRoot => (Judgement::Forbid, "the whole workspace"),
            Place::Ancestor => (Judgement::Forbid, "a folder the workspace is in"),
            Place::HomeRoot => (Judgement::Forbid, "a home folder"),
            Place::Home | Place::Startup => (Judgement::Forbid, "part of a home folder"),
            Place::Secret if self.is_inside(path) => (Judgement::Ask, "a file with secrets"),
            Place::Secret => (Judgement::Forbid, "a file with secrets"),
            Place::Public | Place::System => (Judgement::Forbid, "a part of the system"),
            Place::Outside => (Judgement::Forbid, "outside the workspace"),
            Place::Repository => (Judgement::Forbid, "the records of version control"),
            Place::TemporaryRoot => (Judgement::Forbid, "everybody's temporary files"),
            Place::Unknown if self.is_grave_if_empty(path) => {
                (Judgement::Forbid, "far too much where a variable is empty")
            }
            Place::Unknown => (Judgement::Ask, "a path that is not known before"),
            Place::Workspace | Place::Temporary => return,
        };
        self.about(verdict, "remove", "removes", what, path);
    }

    /// Whether a path means a folder of the system or a home once its variables are empty.
    fn is_grave_if_empty(&self, path: &str) -> bool {
        let rest = path.replace(field::UNKNOWN, "");
        rest.starts_with('/')
            && field::is_known(&rest)
            && matches!(
                self.place(&rest),
                Place::Ancestor | Place::HomeRoot | Place::System | Place::Public
            )
    }

    fn is_inside(&self, path: &str) -> bool {
        let resolved = self.resolved(path);
        resolved.is_some_and(|path| path.starts_with(self.workspace.root()))
    }

    fn about(&mut self, verdict: Judgement, rule: &str, does: &str, what: &str, path: &str) {
        let shown = field::shown(path);
        self.note(verdict, rule, &format!("it {does} {what}: {shown}"));
    }

    /// What a program does to the files it is called with.
    pub(super) fn effects(&mut self, program: &Program, call: &Call) {
        for (option, value) in &call.options {
            let Some(value) = value else { continue };
            if program.writes.contains(option) {
                self.writes(value);
            }
            if program.reads.contains(option) {
                self.reads(value, false);
            }
        }
        let operands = call.operands.as_slice();
        let is_searching = matches!(call.name.as_str(), "rg" | "ripgrep" | "ag" | "ack");
        let is_deep = is_searching
            || call.has(&[
                "-r",
                "-R",
                "-a",
                "--recursive",
                "--archive",
                "--dereference-recursive",
            ]);
        match program.effect {
            Effect::None => {}
            Effect::Read => operands.iter().for_each(|path| self.reads(path, is_deep)),
            Effect::Walk => operands.iter().for_each(|path| self.reads(path, true)),
            Effect::Pattern => {
                let given = call.has(&["-e", "-f", "--expression", "--file", "--regexp"]);
                let skipped = usize::from(!given);
                for path in operands.iter().skip(skipped) {
                    self.reads(path, is_deep);
                }
            }
            Effect::Write => operands.iter().for_each(|path| self.writes(path)),
            Effect::Remove => operands.iter().for_each(|path| self.removes(path)),
            Effect::Copy | Effect::Link | Effect::Move => {
                self.transfers(program.effect, call, is_deep);
            }
        }
    }

    /// A link makes its target reachable by a name inside of the workspace.
    fn links(&mut self, target: &str) {
        let verdict = match self.place(target) {
            Place::Ancestor
            | Place::HomeRoot
            | Place::Secret
            | Place::System
            | Place::Device
            | Place::Startup
            | Place::TemporaryRoot => Judgement::Forbid,
            Place::Public | Place::Home | Place::Outside | Place::Repository | Place::Unknown => {
                Judgement::Ask
            }
            Place::Harmless
            | Place::Socket
            | Place::WorkspaceRoot
            | Place::Workspace
            | Place::Temporary => return,
        };
        self.about(
            verdict,
            "link",
            "gives another name to",
            "something",
            target,
        );
    }

    fn transfers(&mut self, effect: Effect, call: &Call, is_deep: bool) {
        let folder = call.value(&["-t", "--target-directory"]);
        let (sources, target) = match (&folder, call.operands.split_last()) {
            (Some(folder), _) => (call.operands.as_slice(), folder.clone()),
            (None, Some((target, sources))) => (sources, target.clone()),
            (None, None) => return,
        };
        for source in sources {
            self.reads(source, is_deep);
            if effect == Effect::Move {
                self.removes(source);
            }
        }
        if effect == Effect::Move && self.place(&target) == Place::Harmless {
            self.forbid("remove", "it moves files where they are lost");
        }
        if effect == Effect::Link {
            for source in sources {
                self.links(source);
            }
        }
        self.writes(&target);
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        if let ([source], Some(path)) = (sources, self.resolved(&target)) {
            // What is known of the contents goes along.
            let contents = self.contents(source);
            self.shell.keep(path.clone(), &contents);
            self.shell
                .keep(format!("{path}/{}", name(source)), &contents);
        }
        if call.name == "cp" || call.name == "mv" {
            for source in sources {
                let inner = format!("{target}/{}", name(source));
                if self.place(&inner) == Place::Startup {
                    self.writes(&inner);
                }
            }
        }
    }
}
