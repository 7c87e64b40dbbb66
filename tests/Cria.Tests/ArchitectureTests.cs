using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Cria.Tests;

/// <summary>The dependency direction of the projects and of the engine's folders (docs/design.md).</summary>
public sealed partial class ArchitectureTests
{
    static readonly Dictionary<string, string[]> Projects = new()
    {
        ["Cria"] = [],
        ["Cria.Evaluation"] = ["Cria"],
        ["Cria.Training"] = ["Cria", "Cria.Evaluation"],
        ["Cria.Server"] = ["Cria"],
        ["Cria.Cli"] = ["Cria", "Cria.Evaluation", "Cria.Server"],
    };

    static readonly Dictionary<string, string[]> EngineFolders = new()
    {
        ["Tensors"] = [],
        ["Kernels"] = ["Tensors"],
        ["Tokenization"] = [],
        ["Formats"] = ["Tensors", "Tokenization"],
        ["Hub"] = ["Formats"],
        ["Images"] = ["Kernels"],
        ["Models"] = ["Formats", "Images", "Kernels", "Tensors"],
        ["Conversion"] = ["Models", "Formats", "Kernels", "Tokenization", "Tensors"],
        ["Generation"] = ["Models", "Kernels", "Formats", "Tokenization", "Tensors"],
        ["Chat"] = ["Generation", "Images", "Models", "Kernels", "Formats", "Tokenization", "Tensors"],
    };

    [Fact]
    public void ProjectsPointOnlyDownwards()
    {
        foreach (var project in Directory.EnumerateFiles(Path.Combine(TestFiles.Root, "src"), "*.csproj", SearchOption.AllDirectories))
        {
            var name = Path.GetFileNameWithoutExtension(project);
            var references = XDocument.Load(project).Descendants("ProjectReference")
                .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value));
            Assert.True(Projects.ContainsKey(name), $"{name} has no entry in the direction table");
            Assert.Empty(references.Except(Projects[name]));
        }
    }

    [Fact]
    public void EngineFoldersPointOnlyDownwards()
    {
        var engine = Path.Combine(TestFiles.Root, "src", "Cria");
        var files = Directory.EnumerateFiles(engine, "*.cs", SearchOption.AllDirectories).ToList();
        Assert.NotEmpty(files);
        foreach (var file in files)
        {
            var folder = Path.GetRelativePath(engine, file).Split(Path.DirectorySeparatorChar)[0];
            if (folder.EndsWith(".cs", StringComparison.Ordinal))
                continue;
            Assert.True(EngineFolders.ContainsKey(folder), $"{folder} has no entry in the direction table");
            var mentioned = FolderName().Matches(File.ReadAllText(file)).Select(m => m.Groups[1].Value)
                .Where(EngineFolders.ContainsKey).Where(f => f != folder).Distinct();
            Assert.True(!mentioned.Except(EngineFolders[folder]).Any(),
                $"{Path.GetRelativePath(TestFiles.Root, file)} points at {string.Join(", ", mentioned.Except(EngineFolders[folder]))}");
        }
    }

    [Fact]
    public void OnlyTheHubUsesANetwork()
    {
        var engine = Path.Combine(TestFiles.Root, "src", "Cria");
        var users = Directory.EnumerateFiles(engine, "*.cs", SearchOption.AllDirectories).Where(f => NetworkType().IsMatch(File.ReadAllText(f)))
            .Select(f => Path.GetRelativePath(engine, f).Split(Path.DirectorySeparatorChar)[0]).Distinct();
        Assert.Equal(["Hub"], users);
    }

    [Fact]
    public void ANamespaceIsAFolder()
    {
        var sources = Path.Combine(TestFiles.Root, "src");
        foreach (var file in Directory.EnumerateFiles(sources, "*.cs", SearchOption.AllDirectories))
        {
            var folder = Path.GetRelativePath(sources, Path.GetDirectoryName(file)!).Replace(Path.DirectorySeparatorChar, '.');
            Assert.True(File.ReadAllText(file).Contains($"namespace {folder};", StringComparison.Ordinal), $"{file} is not in the namespace {folder}");
        }
    }

    [GeneratedRegex(@"\b(System\.Net|HttpClient|TcpClient|UdpClient|Socket|Dns|WebRequest)\b")]
    private static partial Regex NetworkType();

    [GeneratedRegex(@"\bCria\.([A-Z][A-Za-z]+)\b")]
    private static partial Regex FolderName();
}
