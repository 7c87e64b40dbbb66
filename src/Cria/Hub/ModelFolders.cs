using Cria.Formats;

namespace Cria.Hub;

/// <summary>Where models lie on this machine: the folders that the programs which download models use, and those the user names.</summary>
sealed record ModelFolders
{
    /// <summary>The Hugging Face cache: HF_HUB_CACHE, else `hub` in HF_HOME, else in `huggingface` of XDG_CACHE_HOME or `~/.cache`.</summary>
    public required string HuggingFace { get; init; }

    /// <summary>The file that holds the hub's access token: HF_TOKEN_PATH, else `token` in HF_HOME.</summary>
    public required string TokenFile { get; init; }

    /// <summary>Ollama's stores: OLLAMA_MODELS, else the user's and that of the Linux service.</summary>
    public IReadOnlyList<string> Ollama { get; init; } = [];

    /// <summary>LM Studio's folders of models.</summary>
    public IReadOnlyList<string> LmStudio { get; init; } = [];

    /// <summary>The folders of CRIA_MODELS.</summary>
    public IReadOnlyList<string> Plain { get; init; } = [];

    /// <summary>The folders that this process's environment gives.</summary>
    public static ModelFolders FromEnvironment() =>
        From(Environment.GetEnvironmentVariable, Environment.GetFolderPath(Environment.SpecialFolder.UserProfile));

    /// <summary>The folders that the variables of an environment and a home folder give; an empty variable counts as none.</summary>
    public static ModelFolders From(Func<string, string?> environment, string home)
    {
        var hugging = Variable("HF_HOME") ?? Path.Combine(Variable("XDG_CACHE_HOME") ?? Path.Combine(home, ".cache"), "huggingface");
        return new()
        {
            HuggingFace = Variable("HF_HUB_CACHE") ?? Variable("HUGGINGFACE_HUB_CACHE") ?? Path.Combine(hugging, "hub"),
            TokenFile = Variable("HF_TOKEN_PATH") ?? Path.Combine(hugging, "token"),
            Ollama = Variable("OLLAMA_MODELS") is { } store ? [store] : [Path.Combine(home, ".ollama", "models"), "/usr/share/ollama/.ollama/models"],
            LmStudio = [LmStudioFolder(home), Path.Combine(home, ".cache", "lm-studio", "models")],
            Plain = [.. (environment("CRIA_MODELS") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Expand)],
        };

        string? Variable(string name) => environment(name) is { Length: > 0 } value ? Expand(value) : null;

        string Expand(string path) => path == "~" || path.StartsWith("~/", StringComparison.Ordinal) ? Path.Join(home, path[1..]) : path;
    }

    /// <summary>LM Studio's home may be elsewhere (`~/.lmstudio-home-pointer`), and its models elsewhere again (`downloadsFolder` of its settings).</summary>
    static string LmStudioFolder(string home)
    {
        var root = Path.Combine(home, ".lmstudio");
        try
        {
            var pointer = Path.Combine(home, ".lmstudio-home-pointer");
            if (File.Exists(pointer))
                root = File.ReadAllText(pointer).Trim();
            var settings = Path.Combine(root, "settings.json");
            return (File.Exists(settings) ? JsonFile.Read(settings, json => json.Text("downloadsFolder")) : null) ?? Path.Combine(root, "models");
        }
        catch (Exception e) when (e is CriaException or IOException or UnauthorizedAccessException)
        {
            return Path.Combine(root, "models");
        }
    }
}
