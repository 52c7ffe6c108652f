import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.IdentifierTree;
import com.sun.source.tree.ImportTree;
import com.sun.source.tree.MemberSelectTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePath;
import com.sun.source.util.TreePathScanner;
import com.sun.source.util.Trees;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import javax.lang.model.element.Element;
import javax.lang.model.element.ElementKind;
import javax.lang.model.element.PackageElement;
import javax.lang.model.element.TypeElement;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * What each Java file names, as javac resolves it: lines of "kind TAB importer TAB imported" on standard output.
 *
 * <p>Usage: java ResolvedNames.java CLASSPATH LIST, where LIST holds one path a line. Kinds: "import" (a type or a
 * static member imported by name), "unused" (the same, where the code does not name it again), "demand" (a type used by its simple name, from a package or a type imported with
 * a star), "package" (a type of the same package) and "qualified" (a type written with its package). Nothing is
 * generated or run; what cannot be resolved is left out.
 */
public final class ResolvedNames {
    private static final Map<String, Path> FILE_OF_TYPE = new HashMap<>();
    private static final Set<String> LINES = new TreeSet<>();
    private static final Set<String> USED = new HashSet<>();

    public static void main(String[] arguments) throws Exception {
        List<Path> paths = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of(arguments[1]))) paths.add(Path.of(line));
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null);
        List<String> options = List.of("-proc:none", "-implicit:none", "-XDshould-stop.ifError=FLOW",
            "-sourcepath", "", "-cp", arguments[0], "-encoding", "UTF-8");
        JavacTask task = (JavacTask) compiler.getTask(null, files, new DiagnosticCollector<JavaFileObject>(), options,
            null, files.getJavaFileObjectsFromPaths(paths));
        List<CompilationUnitTree> units = new ArrayList<>();
        task.parse().forEach(units::add);
        task.analyze();
        Trees trees = Trees.instance(task);
        for (CompilationUnitTree unit : units) {
            unit.getTypeDecls().forEach(declaration -> {
                Element element = trees.getElement(TreePath.getPath(unit, declaration));
                if (element instanceof TypeElement type)
                    FILE_OF_TYPE.putIfAbsent(type.getQualifiedName().toString(), path(unit));
            });
        }
        for (CompilationUnitTree unit : units) new Names(trees, unit).scan(unit, null);
        for (String line : LINES) {
            boolean used = USED.contains(line.substring(line.indexOf('\t')));
            System.out.println(line.startsWith("import") && !used ? "unused" + line.substring("import".length()) : line);
        }
    }

    private static Path path(CompilationUnitTree unit) {
        return Path.of(unit.getSourceFile().toUri());
    }

    /** The file that declares a type, or the type around it. */
    private static Path fileOf(Element element) {
        while (element != null && !(element.getEnclosingElement() instanceof PackageElement))
            element = element.getEnclosingElement();
        return element instanceof TypeElement type ? FILE_OF_TYPE.get(type.getQualifiedName().toString()) : null;
    }

    private static final class Names extends TreePathScanner<Void, Void> {
        private final Trees trees;
        private final CompilationUnitTree unit;
        private final String ownPackage;
        private final Set<String> imported = new HashSet<>();

        Names(Trees trees, CompilationUnitTree unit) {
            this.trees = trees;
            this.unit = unit;
            this.ownPackage = unit.getPackageName() == null ? "" : unit.getPackageName().toString();
        }

        @Override
        public Void visitImport(ImportTree node, Void unused) {
            MemberSelectTree name = (MemberSelectTree) node.getQualifiedIdentifier();
            TreePath at = new TreePath(getCurrentPath(), name);
            boolean star = name.getIdentifier().contentEquals("*");
            if (star || node.isStatic()) {
                // A star after a type, or a static member: the type itself is named.
                Element owner = trees.getElement(new TreePath(at, name.getExpression()));
                if (owner instanceof TypeElement) add("import", owner, true);
            } else {
                Element type = trees.getElement(at);
                if (type instanceof TypeElement) add("import", type, false);
            }
            return null;
        }

        @Override
        public Void visitIdentifier(IdentifierTree node, Void unused) {
            Element element = trees.getElement(getCurrentPath());
            if (element instanceof TypeElement type && type.getKind() != ElementKind.TYPE_PARAMETER) {
                Element top = type;
                while (!(top.getEnclosingElement() instanceof PackageElement)) top = top.getEnclosingElement();
                boolean same = ((PackageElement) top.getEnclosingElement()).getQualifiedName().contentEquals(ownPackage);
                add(same ? "package" : "demand", type, true);
            }
            return null;
        }

        @Override
        public Void visitMemberSelect(MemberSelectTree node, Void unused) {
            Element inner = trees.getElement(new TreePath(getCurrentPath(), node.getExpression()));
            if (inner instanceof PackageElement) {
                Element element = trees.getElement(getCurrentPath());
                if (element instanceof TypeElement) add("qualified", element, true);
                return null;
            }
            return super.visitMemberSelect(node, unused);
        }

        private void add(String kind, Element element, boolean used) {
            Path from = path(unit);
            Path to = fileOf(element);
            if (to == null || to.equals(from)) return;
            if (used) USED.add("\t" + from + "\t" + to);
            // Imports stand first in a file: a name that one of them brought is not told again.
            if (kind.equals("import")) imported.add(to.toString());
            else if (imported.contains(to.toString())) return;
            LINES.add(kind + "\t" + from + "\t" + to);
        }
    }
}
