//! What a path means in a module: as the compiler finds it, as far as the list needs.

use syn::{Ident, Item, ItemUse, UseTree, Visibility};

use super::tree::{Id, Tree, name, named};

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meaning {
    /// A module of this library.
    Module(Id),
    /// An item of this library: its module and its place there.
    Item(Id, usize),
    /// Something else, most often of another crate.
    Foreign(Vec<String>),
}

/// One name that a `use` brings, or all names of a module.
pub(super) struct Import {
    /// What is named, as it is written.
    pub(super) path: Vec<String>,
    /// What it is called here; none for all names of a module.
    pub(super) name: Option<String>,
    /// Whether it begins with `::`.
    foreign: bool,
    pub(super) public: bool,
}

/// All that a `use` brings.
pub(super) fn imports(item: &ItemUse) -> Vec<Import> {
    let mut imports = Vec::new();
    branch(&item.tree, &mut Vec::new(), &mut imports);
    for import in &mut imports {
        import.foreign = item.leading_colon.is_some();
        import.public = matches!(item.vis, Visibility::Public(_));
    }
    imports
}

fn branch(tree: &UseTree, prefix: &mut Vec<String>, imports: &mut Vec<Import>) {
    let import = |path, name| Import { path, name, foreign: false, public: false };
    let named = |ident: &Ident, alias: Option<String>| {
        let mut path = prefix.clone();
        let ident = name(ident);
        // `self` at the end is the module itself.
        if ident != "self" || path.is_empty() {
            path.push(ident);
        }
        let alias = alias.or_else(|| path.last().cloned());
        import(path, alias)
    };
    match tree {
        UseTree::Path(path) => {
            prefix.push(name(&path.ident));
            branch(&path.tree, prefix, imports);
            prefix.pop();
        }
        UseTree::Name(one) => imports.push(named(&one.ident, None)),
        UseTree::Rename(one) => imports.push(named(&one.ident, Some(name(&one.rename)))),
        UseTree::Glob(_) => imports.push(import(prefix.clone(), None)),
        UseTree::Group(group) => {
            for one in &group.items {
                branch(one, prefix, imports);
            }
        }
    }
}

/// What is being looked for already: imports may go round in circles.
type Seen = Vec<(Id, String)>;

impl Tree {
    /// All that an import of a module means.
    pub(super) fn imported(&self, module: Id, import: &Import) -> Vec<Meaning> {
        self.follow(module, import, &mut Seen::new())
    }

    /// All that a path means in a module: a type, a function and a module may share one name.
    pub(super) fn resolve(&self, module: Id, path: &[String]) -> Vec<Meaning> {
        self.path(module, path, &mut Seen::new())
    }

    fn follow(&self, module: Id, import: &Import, seen: &mut Seen) -> Vec<Meaning> {
        if import.foreign {
            return vec![Meaning::Foreign(import.path.clone())];
        }
        self.path(module, &import.path, seen)
    }

    fn path(&self, module: Id, path: &[String], seen: &mut Seen) -> Vec<Meaning> {
        let Some((first, rest)) = path.split_first() else {
            return vec![Meaning::Module(module)];
        };
        let mut found = match first.as_str() {
            "crate" => vec![Meaning::Module(0)],
            "self" => vec![Meaning::Module(module)],
            "super" => self.modules[module].parent.map(Meaning::Module).into_iter().collect(),
            _ if seen.contains(&(module, first.clone())) => return Vec::new(),
            _ => match self.name(module, first, seen) {
                found if found.is_empty() => vec![Meaning::Foreign(vec![first.clone()])],
                found => found,
            },
        };
        for name in rest {
            let next = found.into_iter().flat_map(|meaning| match meaning {
                Meaning::Module(id) if name == "super" => {
                    self.modules[id].parent.map(Meaning::Module).into_iter().collect()
                }
                Meaning::Module(id) => self.name(id, name, seen),
                // A variant, most often: it has no line of its own but that of its enum.
                Meaning::Item(..) => Vec::new(),
                Meaning::Foreign(mut path) => {
                    path.push(name.clone());
                    vec![Meaning::Foreign(path)]
                }
            });
            found = next.collect();
        }
        found
    }

    fn name(&self, module: Id, wanted: &str, seen: &mut Seen) -> Vec<Meaning> {
        let key = (module, wanted.to_owned());
        if seen.contains(&key) {
            return Vec::new();
        }
        seen.push(key);
        let (mut found, mut globs) = (Vec::new(), Vec::new());
        let here = &self.modules[module];
        let children = here.children.iter().filter(|child| self.modules[**child].name() == wanted);
        found.extend(children.map(|child| Meaning::Module(*child)));
        for (at, item) in here.items.iter().enumerate() {
            match item {
                Item::Use(item) => {
                    for import in imports(item) {
                        match &import.name {
                            Some(name) if name == wanted => {
                                found.extend(self.follow(module, &import, seen));
                            }
                            Some(_) => {}
                            None => globs.push(import),
                        }
                    }
                }
                item if named(item).is_some_and(|(name, _)| name == wanted) => {
                    found.push(Meaning::Item(module, at));
                }
                _ => {}
            }
        }
        if found.is_empty() {
            for glob in globs {
                for meaning in self.follow(module, &glob, seen) {
                    if let Meaning::Module(id) = meaning {
                        found.extend(self.name(id, wanted, seen));
                    }
                }
            }
        }
        seen.pop();
        found.sort();
        found.dedup();
        found
    }
}
