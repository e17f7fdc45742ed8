//! The edits of a model's reply, applied to a file that is held in memory.

use atelier_edit::{apply, parse};
use atelier_model::{FileEntry, FileTree, Limits, TreePath};

/// What a model answered.
const REPLY: &str = "It should greet by name:

hello.py
```python
<<<<<<< SEARCH
    print(\"hello\")
=======
    print(f\"hello, {name}\")
>>>>>>> REPLACE
```
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = TreePath::parse("hello.py")?;
    let file = FileEntry::text("def greet(name):\n    print(\"hello\")\n");
    let tree = FileTree::from_iter([(path.clone(), file)]);
    let limits = Limits::default();
    let changes = parse(REPLY, &limits)?;
    let applied = apply(&changes, &tree, &limits)?;
    let text = applied.tree.text(&path);
    assert_eq!(
        text,
        Some("def greet(name):\n    print(f\"hello, {name}\")\n")
    );
    Ok(())
}
