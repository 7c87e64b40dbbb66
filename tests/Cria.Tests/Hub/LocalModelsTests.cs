using Cria.Conversion;
using Cria.Formats;
using Cria.Hub;
using Cria.Models;
using Cria.Tests.Models;

namespace Cria.Tests.Hub;

/// <summary>A home folder whose caches the tests fill.</summary>
public sealed class LocalModelsTests : IDisposable
{
    const string Commit = "0123456789abcdef0123456789abcdef01234567", OtherCommit = "89abcdef0123456789abcdef0123456789abcdef";

    readonly TestModel _home = new();
    readonly Dictionary<string, string> _environment = [];

    public void Dispose() => _home.Dispose();

    [Fact]
    public void HuggingFaceSnapshotsAreNamedByRepositoryTypeAndBranch()
    {
        Directories("org/llama", Commit);
        Gguf("org/llama-GGUF", Commit, "llama-Q4_K_M.gguf", "llama-Q8_0.gguf", "mmproj-F16.gguf");
        Gguf("org/two", Commit, "a-Q4_0.gguf", "b-q4_0.gguf");
        Gguf("org/two", OtherCommit, "a-Q4_0.gguf");
        Gguf("org/subfolder", Commit, "Q6_K/llama-Q6_K.gguf");
        Ref("org/two", "main", Commit);
        Ref("org/two", "refs/pr/1", OtherCommit);
        Assert.Equal(
        [
            "org/llama", "org/llama-GGUF:Q4_K_M", "org/llama-GGUF:Q8_0", "org/subfolder:Q6_K", "org/two:Q4_0@refs/pr/1", "org/two:a-Q4_0.gguf", "org/two:b-q4_0.gguf",
        ], Names("huggingface"));
    }

    [Fact]
    public void ADirectoryWithOneGgufIsThatFile()
    {
        string[] names = ["a-00002-of-00002.gguf", "mmproj-a.gguf", "a-00001-of-00002.gguf"];
        foreach (var name in names)
            File.WriteAllText(_home.File(name), "");
        Assert.Equal(_home.File(names[2]), ModelLocator.Resolve(_home.Path));
        File.WriteAllText(_home.File("b.gguf"), "");
        Assert.Contains($"{names[2]}, b.gguf", Assert.Throws<CriaException>(() => ModelLocator.Resolve(_home.Path)).Message);
        File.WriteAllText(_home.File("config.json"), "");
        Assert.Equal(_home.Path, ModelLocator.Resolve(_home.Path));
    }

    [Fact]
    public void ASplitModelIsListedOnceByItsFirstPart()
    {
        Gguf("org/big", Commit, "big-Q4_0-00001-of-00003.gguf", "big-Q4_0-00002-of-00003.gguf", "big-Q4_0-00003-of-00003.gguf");
        var model = Assert.Single(Find(), m => m.Source == "huggingface");
        Assert.Equal(("org/big:Q4_0", "big-Q4_0-00001-of-00003.gguf", 12), (model.Name, Path.GetFileName(model.Path), model.Bytes));
    }

    [Fact]
    public void AMetaDirectoryInsideARepositoryIsNamedByItsFolder()
    {
        Directories("org/llama", Commit);
        Write(Snapshot("org/llama", Commit, "original/params.json"), "{}");
        Write(Snapshot("org/llama", Commit, "original/consolidated.00.pth"), "weights");
        Assert.Equal(["org/llama", "org/llama:original"], Names("huggingface"));
    }

    [Fact]
    public void AnAdapterIsListedAsOne()
    {
        Write(Snapshot("org/lora", Commit, "adapter_config.json"), "{}");
        Write(Snapshot("org/lora", Commit, "adapter_model.safetensors"), "weights");
        Assert.Equal(("org/lora", "adapter", 7), Find().Where(m => m.Source == "huggingface").Select(m => (m.Name, m.Format, m.Bytes)).Single());
        Assert.Equal(_home.File(Snapshot("org/lora", Commit, "")).TrimEnd('/'), Resolve("org/lora"));
    }

    [Fact]
    public void OllamaTagsAreNamedAsOllamaNamesThem()
    {
        Manifest("registry.ollama.ai/library/llama3.2/1b", 'a');
        Manifest("registry.ollama.ai/library/llama3.2/latest", 'b');
        Manifest("registry.ollama.ai/someone/mine/latest", 'c');
        Manifest("hf.co/org/llama-GGUF/Q4_K_M", 'd');
        Write(".ollama/models/manifests/registry.ollama.ai/library/broken/latest", "{\"layers\":3}");
        Write(".ollama/models/manifests/registry.ollama.ai/library/hostile/latest",
            "{\"layers\":[{\"mediaType\":\"application/vnd.ollama.image.model\",\"digest\":\"sha256:../../../../../../../../../../../etc/passwd-padded-to-the-length\"}]}");
        Assert.Equal(["hf.co/org/llama-GGUF:Q4_K_M", "llama3.2:1b", "llama3.2:latest", "someone/mine:latest"], Names("ollama"));
        Assert.Equal(Path.Combine(_home.Path, ".ollama", "models", "blobs", "sha256-" + new string('a', 64)), Resolve("llama3.2:1b"));
        Assert.EndsWith(new string('b', 64), Resolve("llama3.2"));
    }

    [Theory]
    [InlineData(".lmstudio/models")]
    [InlineData(".cache/lm-studio/models")]
    public void LmStudioFoldersAreNamedAsRepositories(string folder)
    {
        Write($"{folder}/publisher/llama-GGUF/llama-Q4_K_M.gguf", "GGUF");
        Assert.Equal(["publisher/llama-GGUF:Q4_K_M"], Names("lmstudio"));
    }

    [Fact]
    public void LmStudioMayLieElsewhere()
    {
        Write(".lmstudio-home-pointer", _home.File("elsewhere") + "\n");
        Write("elsewhere/settings.json", $$"""{"downloadsFolder":{{System.Text.Json.JsonSerializer.Serialize(_home.File("downloads"))}}}""");
        Write("downloads/publisher/llama/llama-Q8_0.gguf", "GGUF");
        Assert.Equal(["publisher/llama:Q8_0"], Names("lmstudio"));
    }

    [Fact]
    public void FoldersOfTheVariableNameModelsByTheirPathsInside()
    {
        Write("models/sub/llama.gguf", "GGUF");
        Write("models/\u001b[31mred.gguf", "GGUF");
        Write("models/other/config.json", "{}");
        Write("models/other/model.safetensors", "weights");
        Write("single/config.json", "{}");
        Write("single/model.safetensors", "weights");
        _environment["CRIA_MODELS"] = string.Join(Path.PathSeparator, _home.File("models"), _home.File("single"), _home.File("absent"));
        Assert.Equal(["other", "single", "sub/llama"], Names("folder"));
    }

    [Fact]
    public void TheEmbeddedModelIsListedFirst()
    {
        var first = Find()[0];
        Assert.Equal(("pocket", "cria", ModelLocator.Embedded), (first.Name, first.Source, first.Path));
        Assert.Null(first.FindProblem());
        Assert.True(first.Bytes > 1_000_000);
    }

    [Fact]
    public void TheLaterOfTwoEqualNamesHasItsSourceBeforeIt()
    {
        Gguf("publisher/llama", Commit, "llama-Q4_0.gguf");
        Write(".lmstudio/models/publisher/llama/llama-Q4_0.gguf", "GGUF");
        Assert.Equal(["pocket", "publisher/llama:Q4_0", "lmstudio/publisher/llama:Q4_0"], Find().Select(m => m.Name));
        Assert.Contains(".lmstudio", Resolve("lmstudio/publisher/llama:Q4_0"));
    }

    [Fact]
    public void TheEnvironmentMovesTheCaches()
    {
        Assert.Equal(_home.File(".cache/huggingface/hub"), Folders().HuggingFace);
        _environment["XDG_CACHE_HOME"] = "/cache";
        Assert.Equal("/cache/huggingface/hub", Folders().HuggingFace);
        _environment["HF_HOME"] = "/hf";
        Assert.Equal(("/hf/hub", "/hf/token"), (Folders().HuggingFace, Folders().TokenFile));
        (_environment["HF_HUB_CACHE"], _environment["HF_TOKEN_PATH"]) = ("~/hub", "/secret");
        Assert.Equal((_home.File("hub"), "/secret"), (Folders().HuggingFace, Folders().TokenFile));
        _environment["OLLAMA_MODELS"] = "/ollama";
        Assert.Equal(["/ollama"], Folders().Ollama);
    }

    [Fact]
    public void ANameFindsItsModelWhateverItsCaseAndTheRepositoryDoesForTheOnlyOne()
    {
        Gguf("org/llama-GGUF", Commit, "llama-Q4_K_M.gguf");
        foreach (var name in (string[])["org/llama-GGUF:Q4_K_M", "ORG/LLAMA-gguf:q4_k_m", "org/llama-GGUF"])
            Assert.Equal(_home.File(".cache/huggingface/hub/" + Snapshot("org/llama-GGUF", Commit, "llama-Q4_K_M.gguf")[".cache/huggingface/hub/".Length..]), Resolve(name));
    }

    [Fact]
    public void AnAmbiguousNameIsAnErrorThatListsTheModels()
    {
        Gguf("org/llama-GGUF", Commit, "llama-Q4_K_M.gguf", "llama-Q8_0.gguf");
        var error = Assert.Throws<CriaException>(() => Resolve("org/llama-GGUF"));
        Assert.Contains("org/llama-GGUF:Q4_K_M, org/llama-GGUF:Q8_0", error.Message);
    }

    [Theory]
    [InlineData("org/lama", "near it: org/llama")]
    [InlineData("poket", "near it: pocket")]
    [InlineData("LLAMA", "near it: org/llama")]
    [InlineData("other/model-with-a-long-name", "`cria pull other/model-with-a-long-name` downloads it")]
    public void AnUnknownNameIsAnErrorWithNamesNearIt(string name, string advice)
    {
        Directories("org/llama", Commit);
        var error = Assert.Throws<CriaException>(() => Resolve(name));
        Assert.StartsWith($"{name}: no such model", error.Message);
        Assert.Contains(advice, error.Message);
    }

    [Fact]
    public void WhatCannotRunSaysWhy()
    {
        Write(Snapshot("org/bert", Commit, "config.json"), """{"model_type":"bert","architectures":["BertModel"]}""");
        Write(Snapshot("org/bert", Commit, "model.safetensors"), "weights");
        Gguf("org/damaged", Commit, "damaged-Q4_0.gguf");
        Gguf("org/partial", Commit, "partial-Q4_0-00001-of-00002.gguf");
        var problems = Find().Where(m => m.Source == "huggingface").Select(m => m.FindProblem() ?? "none").ToList();
        Assert.Contains("model_type is \"bert\"", problems[0]);
        Assert.Contains("damaged-Q4_0.gguf", problems[1]);
        Assert.Contains("partial-Q4_0-00002-of-00002.gguf: there is no such file", problems[2]);
    }

    [Fact]
    public void ALinkThatLeadsNowhereOrBackDoesNotHarm()
    {
        var folder = Directory.CreateDirectory(_home.File("models/sub")).FullName;
        File.CreateSymbolicLink(Path.Combine(folder, "gone.gguf"), _home.File("nowhere"));
        Directory.CreateSymbolicLink(Path.Combine(folder, "loop"), _home.File("models"));
        _environment["CRIA_MODELS"] = _home.File("models");
        Assert.All(Find().Where(m => m.Source == "folder"), m => Assert.Equal(0, m.Bytes));
    }

    [Fact]
    public void AModelThatWasFoundOpensByItsPath()
    {
        using var model = TestModels.Write(new TestShape { WithTokenizer = true, Hidden = 64, FeedForward = 64 });
        var file = Snapshot("org/tiny-GGUF", Commit, "tiny-Q8_0.gguf");
        Write(file, "");
        GgufConversion.Write(model.Path, _home.File(file), QuantizationRecipe.Find("q8_0"), 1, null, TestContext.Current.CancellationToken);
        Assert.Null(Assert.Single(Find(), m => m.Name == "org/tiny-GGUF:Q8_0").FindProblem());
        using var opened = TextModel.Load(Resolve("org/tiny-GGUF"));
        Assert.Equal(64, opened.Config.HiddenSize);
    }

    /// <summary>A vision model of the time when Ollama kept its encoder in a blob of its own, and one in a single file.</summary>
    [Fact]
    public void AVisionModelOfOllamasStoreFindsItsEncoder()
    {
        var shape = new TestShape { WithTokenizer = true, Layers = 4, CrossLayers = [0, 2], Tied = false };
        using var files = TestModels.Write(shape);
        GgufConversion.Write(files.Path, files.File("whole.gguf"), QuantizationRecipe.Find("f32"), 1, null, TestContext.Current.CancellationToken);
        Write(Blob('a'), "");
        SplitVision(files.File("whole.gguf"), _home.File(Blob('a')), _home.File(Blob('b')));
        File.Copy(files.File("whole.gguf"), _home.File(Blob('c')));
        Manifest("pair/latest", Layer("model", Digest('a')), Layer("projector", Digest('b')));
        Manifest("whole/latest", Layer("model", Digest('c')));
        Manifest("other/latest", Layer("model", Digest('d')), Layer("projector", "nothing"));
        var image = VisionModelTests.Tiles(20, 10, 1);
        var expected = Logits(files.Path);
        Assert.Equal(expected, Logits(Resolve("pair")));
        Assert.Equal(expected, Logits(Resolve("whole")));
        var pair = Find().Single(m => m.Name == "pair:latest");
        Assert.Equal((new FileInfo(_home.File(Blob('a'))).Length + new FileInfo(_home.File(Blob('b'))).Length, null), (pair.Bytes, pair.FindProblem()));

        float[] Logits(string path)
        {
            using var model = TextModel.Load(path, new() { Compute = ComputeType.F32, Threads = 1 });
            using var features = model.ReadImage(image, cancellation: TestContext.Current.CancellationToken);
            using var sequence = model.CreateSequence();
            sequence.Add(features);
            var logits = new float[model.Config.VocabularySize];
            model.Forward([new Row(sequence, 0, model.Config.ImageTokenId!.Value, true)], logits, TestContext.Current.CancellationToken);
            return logits;
        }
    }

    [Fact]
    public void AnEncoderThatAManifestNamesWronglyIsOneError()
    {
        using var files = TestModels.Write(new TestShape { WithTokenizer = true, Layers = 4, CrossLayers = [0, 2], Tied = false });
        GgufConversion.Write(files.Path, files.File("whole.gguf"), QuantizationRecipe.Find("f32"), 1, null, TestContext.Current.CancellationToken);
        Write(Blob('a'), "");
        SplitVision(files.File("whole.gguf"), _home.File(Blob('a')), _home.File(Blob('b')));
        foreach (var (problem, layers) in new (string, string[])[]
        {
            ("no projector.gguf beside it", []),
            ("pair/latest: the digest of the projector is \"sha256:../../", [Layer("projector", "sha256:../../../../../../../../../../../etc/passwd-padded-to-the-length")]),
            ("pair/latest: the digest of the projector is \"\"", [Layer("projector", "")]),
            ("pair/latest: 2 projectors", [Layer("projector", Digest('b')), Layer("projector", Digest('c'))]),
            (Blob('c') + ": ", [Layer("projector", Digest('c'))]), // which is not there
            ("mllama.vision.", [Layer("projector", Digest('a'))]),
        })
        {
            Manifest("pair/latest", [Layer("model", Digest('a')), .. layers]);
            Assert.Contains(problem, Assert.Throws<CriaException>(() => Checkpoint.Open(Resolve("pair"))).Message);
            if (!problem.StartsWith("mllama", StringComparison.Ordinal))
                Assert.Contains(problem, Find().Single(m => m.Name == "pair:latest").FindProblem());
        }
        Manifest("pair/latest", Layer("model", Digest('a')), Layer("projector", Digest('b')));
        Manifest("pair/other", Layer("model", Digest('a')), Layer("projector", Digest('c')));
        Assert.Contains("2 projectors for it", Assert.Throws<CriaException>(() => Checkpoint.Open(Resolve("pair"))).Message);
    }

    /// <summary>A vision model's GGUF in two: the text model and its encoder.</summary>
    static unsafe void SplitVision(string path, string text, string encoder)
    {
        using var whole = GgufFile.Open(path);
        foreach (var (target, isEncoder) in new[] { (text, false), (encoder, true) })
        {
            var metadata = new GgufMetadata();
            foreach (var (key, value) in whole.Values.Where(v => v.Key == "general.architecture" || v.Key.StartsWith("mllama.vision.", StringComparison.Ordinal) == isEncoder))
                metadata.Add(key, value);
            GgufWriter.Write(target, metadata, [.. whole.Tensors.Where(t => (t.Name.StartsWith("v.", StringComparison.Ordinal) || t.Name.StartsWith("mm.", StringComparison.Ordinal)) == isEncoder)
                .Select(t => new WrittenTensor(t.Name, t.Type, [.. t.Shape], stream => stream.Write(new ReadOnlySpan<byte>(t.Data, (int)t.ByteLength))))]);
        }
    }

    ModelFolders Folders() => ModelFolders.From(_environment.GetValueOrDefault, _home.Path);

    IReadOnlyList<LocalModel> Find() => LocalModels.Find(Folders() with { Ollama = [_home.File(".ollama/models")] });

    string Resolve(string name) => LocalModels.Resolve(name, Folders());

    IEnumerable<string> Names(string source) => Find().Where(m => m.Source == source).Select(m => m.Name).Order(StringComparer.Ordinal);

    static string Snapshot(string repository, string commit, string file) =>
        $".cache/huggingface/hub/models--{repository.Replace("/", "--", StringComparison.Ordinal)}/snapshots/{commit}/{file}";

    void Ref(string repository, string name, string commit) => Write($".cache/huggingface/hub/models--{repository.Replace("/", "--", StringComparison.Ordinal)}/refs/{name}", commit);

    void Gguf(string repository, string commit, params string[] files) => Array.ForEach(files, f => Write(Snapshot(repository, commit, f), "GGUF"));

    void Directories(string repository, string commit)
    {
        Write(Snapshot(repository, commit, "config.json"), "{}");
        Write(Snapshot(repository, commit, "model.safetensors"), "weights");
    }

    void Manifest(string path, char digest)
    {
        Write($".ollama/models/manifests/{path}", $$"""{"schemaVersion":2,"layers":[{{Layer("license", Digest('0'))}},{{Layer("model", Digest(digest))}}]}""");
        Write(Blob(digest), "GGUF");
    }

    void Manifest(string name, params string[] layers) =>
        Write($".ollama/models/manifests/registry.ollama.ai/library/{name}", $$"""{"schemaVersion":2,"layers":[{{string.Join(',', layers)}}]}""");

    static string Layer(string kind, string digest) => $$"""{"mediaType":"application/vnd.ollama.image.{{kind}}","digest":"{{digest}}","size":4}""";

    static string Digest(char digit) => "sha256:" + new string(digit, 64);

    static string Blob(char digit) => ".ollama/models/blobs/sha256-" + new string(digit, 64);

    void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_home.File(path))!);
        File.WriteAllText(_home.File(path), text);
    }
}
