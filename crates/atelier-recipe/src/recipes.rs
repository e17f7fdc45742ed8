//! The list of recipes: the built-in ones and the user's own.

use std::sync::{Arc, LazyLock};

use crate::{RecipeError, recipe::Recipe};

/// Every built-in recipe, in the order users see it: the earlier one names a folder's language.
const BUILTIN: &[(&str, &str)] = &[
    ("rust", include_str!("../../../recipes/rust.toml")),
    ("go", include_str!("../../../recipes/go.toml")),
    ("php", include_str!("../../../recipes/php.toml")),
    ("ruby", include_str!("../../../recipes/ruby.toml")),
    ("elixir", include_str!("../../../recipes/elixir.toml")),
    ("gleam", include_str!("../../../recipes/gleam.toml")),
    ("erlang", include_str!("../../../recipes/erlang.toml")),
    ("maven", include_str!("../../../recipes/maven.toml")),
    ("gradle", include_str!("../../../recipes/gradle.toml")),
    ("scala", include_str!("../../../recipes/scala.toml")),
    ("clojure", include_str!("../../../recipes/clojure.toml")),
    ("dotnet", include_str!("../../../recipes/dotnet.toml")),
    ("swift", include_str!("../../../recipes/swift.toml")),
    ("dart", include_str!("../../../recipes/dart.toml")),
    ("haskell", include_str!("../../../recipes/haskell.toml")),
    ("ocaml", include_str!("../../../recipes/ocaml.toml")),
    ("crystal", include_str!("../../../recipes/crystal.toml")),
    ("zig", include_str!("../../../recipes/zig.toml")),
    ("nim", include_str!("../../../recipes/nim.toml")),
    ("python", include_str!("../../../recipes/python.toml")),
    ("deno", include_str!("../../../recipes/deno.toml")),
    ("bun", include_str!("../../../recipes/bun.toml")),
    ("node", include_str!("../../../recipes/node.toml")),
    ("cmake", include_str!("../../../recipes/cmake.toml")),
    ("meson", include_str!("../../../recipes/meson.toml")),
    ("autotools", include_str!("../../../recipes/autotools.toml")),
    ("make", include_str!("../../../recipes/make.toml")),
    ("perl", include_str!("../../../recipes/perl.toml")),
    ("lua", include_str!("../../../recipes/lua.toml")),
    ("r", include_str!("../../../recipes/r.toml")),
    ("elm", include_str!("../../../recipes/elm.toml")),
    ("bazel", include_str!("../../../recipes/bazel.toml")),
    ("terraform", include_str!("../../../recipes/terraform.toml")),
    ("web", include_str!("../../../recipes/web.toml")),
    ("java", include_str!("../../../recipes/java.toml")),
    ("cobol", include_str!("../../../recipes/cobol.toml")),
    ("shell", include_str!("../../../recipes/shell.toml")),
];

/// Recipes that are looked through at most.
const RECIPES_MAX: usize = 200;

/// The recipes by which projects are recognised.
#[derive(Debug, Clone)]
pub struct Recipes {
    pub(crate) list: Vec<Arc<Recipe>>,
}

impl Recipes {
    /// The recipes that come with Atelier.
    pub fn builtin() -> Self {
        Self {
            list: builtin().to_vec(),
        }
    }

    /// The built-in recipes and the user's, given as name and TOML text.
    ///
    /// One with the name of a built-in recipe takes its place; the others come first.
    pub fn with_user(files: &[(String, String)]) -> Result<Self, RecipeError> {
        let found = files.len() + BUILTIN.len();
        if found > RECIPES_MAX {
            return Err(RecipeError::TooMany {
                found,
                max: RECIPES_MAX,
            });
        }
        let mut list = builtin().to_vec();
        let mut new = Vec::new();
        for (name, text) in files {
            let recipe = Recipe::parse(name, text)?;
            recipe.check_patterns()?;
            let recipe = Arc::new(recipe);
            match list.iter_mut().find(|known| known.name == recipe.name) {
                Some(known) => *known = recipe,
                None => new.push(recipe),
            }
        }
        new.append(&mut list);
        Ok(Self { list: new })
    }

    /// The names in the order in which they are tried.
    pub fn names(&self) -> Vec<&str> {
        self.list
            .iter()
            .map(|recipe| recipe.name.as_str())
            .collect()
    }
}

/// The parsed built-in recipes.
pub(crate) fn builtin() -> &'static [Arc<Recipe>] {
    static PARSED: LazyLock<Vec<Arc<Recipe>>> = LazyLock::new(|| {
        BUILTIN
            .iter()
            .filter_map(|(name, text)| Recipe::parse(name, text).ok())
            .map(Arc::new)
            .collect()
    });
    &PARSED
}

#[cfg(test)]
mod tests;
