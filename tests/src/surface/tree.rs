//! The modules of a library, read from its files.

use std::path::{Path, PathBuf};

use syn::{Attribute, Expr, Item, ItemMacro, ItemMod, Lit, Meta, Visibility};

use super::attributes::{Marks, add, inherited, marks};

/// Which module of the tree; the root is the first.
pub(super) type Id = usize;

/// All modules of a library.
#[derive(Default)]
pub(super) struct Tree {
    pub(super) modules: Vec<Module>,
}

/// What one module holds, without what is only there for tests.
pub(super) struct Module {
    /// Its path within the library.
    pub(super) path: Vec<String>,
    pub(super) parent: Option<Id>,
    pub(super) public: bool,
    /// What its declaration says.
    pub(super) marks: Marks,
    /// What holds for all that is inside.
    pub(super) inherited: Marks,
    /// All but the modules.
    pub(super) items: Vec<Item>,
    pub(super) children: Vec<Id>,
}

impl Module {
    pub(super) fn name(&self) -> &str {
        self.path.last().map_or("crate", String::as_str)
    }
}

/// How the text of a file is got.
type Read<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// Where the files of a module's own modules are.
struct Place {
    /// The folder of files for modules declared here.
    folder: PathBuf,
    /// The folder that `#[path]` counts from.
    beside: PathBuf,
}

impl Tree {
    /// Reads the root and all that is declared in it.
    pub(super) fn read(file: &Path, read: Read<'_>) -> Result<Self, String> {
        let mut tree = Self::default();
        let folder = parent(file);
        let root = Module {
            path: Vec::new(),
            parent: None,
            public: true,
            marks: Marks::new(),
            inherited: Marks::new(),
            items: Vec::new(),
            children: Vec::new(),
        };
        tree.modules.push(root);
        let place = Place { folder: folder.clone(), beside: folder };
        tree.fill(0, parse(file, read)?, &place, read)?;
        Ok(tree)
    }

    /// All definitions and calls of macros, each with its module.
    pub(super) fn macros(&self) -> impl Iterator<Item = (Id, &ItemMacro)> {
        self.modules.iter().enumerate().flat_map(|(id, module)| {
            module.items.iter().filter_map(move |item| match item {
                Item::Macro(item) => Some((id, item)),
                _ => None,
            })
        })
    }

    fn fill(
        &mut self,
        id: Id,
        items: Vec<Item>,
        place: &Place,
        read: Read<'_>,
    ) -> Result<(), String> {
        for item in items {
            let Some(marks) = attributes(&item).map_or(Some(Marks::new()), marks) else {
                continue;
            };
            match item {
                Item::Mod(module) => self.declare(id, module, marks, place, read)?,
                // Macros like `pin_project!` wrap items as they are.
                Item::Macro(call) if call.ident.is_none() => {
                    match syn::parse2::<syn::File>(call.mac.tokens.clone()) {
                        Ok(file) if !file.items.is_empty() => {
                            self.fill(id, file.items, place, read)?;
                        }
                        _ => self.modules[id].items.push(Item::Macro(call)),
                    }
                }
                item => self.modules[id].items.push(item),
            }
        }
        Ok(())
    }

    fn declare(
        &mut self,
        parent: Id,
        module: ItemMod,
        marks: Marks,
        place: &Place,
        read: Read<'_>,
    ) -> Result<(), String> {
        let name = name(&module.ident);
        let id = self.modules.len();
        let above = &mut self.modules[parent];
        above.children.push(id);
        let mut path = above.path.clone();
        path.push(name.clone());
        let mut inside = above.inherited.clone();
        add(&mut inside, inherited(&marks));
        self.modules.push(Module {
            path,
            parent: Some(parent),
            public: matches!(module.vis, Visibility::Public(_)),
            marks,
            inherited: inside,
            items: Vec::new(),
            children: Vec::new(),
        });
        if let Some((_, items)) = module.content {
            let folder = place.folder.join(name);
            return self.fill(id, items, &Place { beside: folder.clone(), folder }, read);
        }
        let (file, folder) = match path_attribute(&module.attrs) {
            Some(path) => {
                let file = place.beside.join(path);
                let folder = self::parent(&file);
                (file, folder)
            }
            None => {
                let folder = place.folder.join(&name);
                let alone = folder.with_extension("rs");
                let file = if read(&alone).is_some() { alone } else { folder.join("mod.rs") };
                (file, folder)
            }
        };
        let place = Place { folder, beside: self::parent(&file) };
        self.fill(id, parse(&file, read)?, &place, read)
    }
}

fn parse(file: &Path, read: Read<'_>) -> Result<Vec<Item>, String> {
    let text = read(file).ok_or_else(|| format!("{} cannot be read", file.display()))?;
    let parsed = syn::parse_file(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(parsed.items)
}

fn parent(file: &Path) -> PathBuf {
    file.parent().unwrap_or_else(|| Path::new("")).to_path_buf()
}

/// A name without `r#`.
pub(super) fn name(ident: &proc_macro2::Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}

fn path_attribute(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(path) => Some(path.value()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    })
}

/// The attributes of an item, of whatever kind.
pub(super) fn attributes(item: &Item) -> Option<&[Attribute]> {
    Some(match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => return None,
    })
}

/// The name of an item that others can name by a path, and whether it is public.
pub(super) fn named(item: &Item) -> Option<(String, bool)> {
    let (ident, visibility) = match item {
        Item::Const(item) => (&item.ident, &item.vis),
        Item::Enum(item) => (&item.ident, &item.vis),
        Item::Fn(item) => (&item.sig.ident, &item.vis),
        Item::Static(item) => (&item.ident, &item.vis),
        Item::Struct(item) => (&item.ident, &item.vis),
        Item::Trait(item) => (&item.ident, &item.vis),
        Item::TraitAlias(item) => (&item.ident, &item.vis),
        Item::Type(item) => (&item.ident, &item.vis),
        Item::Union(item) => (&item.ident, &item.vis),
        _ => return None,
    };
    Some((name(ident), matches!(visibility, Visibility::Public(_))))
}
