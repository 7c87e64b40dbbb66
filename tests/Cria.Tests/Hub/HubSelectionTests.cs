using Cria.Hub;

namespace Cria.Tests.Hub;

public sealed class HubSelectionTests
{
    static readonly string[] Quantized =
    [
        "README.md", "Llama-Q4_K_M.gguf", "Llama-Q4_K_S.gguf", "Llama-Q4_0.gguf", "Llama-IQ4_XS.gguf", "Llama-UD-Q4_K_XL.gguf", "Llama-BF16.gguf", "mmproj-BF16.gguf", "Llama.imatrix.gguf",
        "Llama-Q8_0-00001-of-00002.gguf", "Llama-Q8_0-00002-of-00002.gguf", "Q6_K/Llama-Q6_K-00001-of-00002.gguf", "Q6_K/Llama-Q6_K-00002-of-00002.gguf",
    ];

    [Theory]
    [InlineData("Q4_K_M", "Llama-Q4_K_M.gguf")]
    [InlineData("q4_k_m", "Llama-Q4_K_M.gguf")]
    [InlineData("UD-Q4_K_XL", "Llama-UD-Q4_K_XL.gguf")]
    [InlineData("BF16", "Llama-BF16.gguf")]
    [InlineData("Llama-Q4_0", "Llama-Q4_0.gguf")]
    [InlineData("mmproj-BF16.gguf", "mmproj-BF16.gguf")]
    [InlineData("Q8_0", "Llama-Q8_0-00001-of-00002.gguf", "Llama-Q8_0-00002-of-00002.gguf")]
    [InlineData("Llama-Q8_0-00001-of-00002.gguf", "Llama-Q8_0-00001-of-00002.gguf", "Llama-Q8_0-00002-of-00002.gguf")]
    [InlineData("Q6_K", "Q6_K/Llama-Q6_K-00001-of-00002.gguf", "Q6_K/Llama-Q6_K-00002-of-00002.gguf")]
    public void ATypeOrAFilePicksTheModelWithAllItsParts(string selector, params string[] expected) => Assert.Equal(expected, Choose(selector, Quantized));

    [Fact]
    public void SeveralModelsAreAChoiceThatTheErrorLists()
    {
        var error = Assert.Throws<CriaException>(() => Choose(null, Quantized));
        Assert.Contains("choose one of :BF16, :IQ4_XS, :Q4_0, :Q4_K_M, :Q4_K_S, :Q6_K, :Q8_0, :UD-Q4_K_XL", error.Message);
        Assert.Contains("holds no Q2_K; choose one of", Assert.Throws<CriaException>(() => Choose("Q2_K", Quantized)).Message);
    }

    [Fact]
    public void TwoFilesOfOneTypeAreAChoiceOfFiles()
    {
        var error = Assert.Throws<CriaException>(() => Choose("Q4_0", ["a-Q4_0.gguf", "b-Q4_0.gguf"]));
        Assert.Contains("which one? a-Q4_0.gguf, b-Q4_0.gguf", error.Message);
    }

    [Fact]
    public void AMissingPartIsAnError() =>
        Assert.Contains("a-00002-of-00002.gguf is missing", Assert.Throws<CriaException>(() => Choose(null, ["a-00001-of-00002.gguf"])).Message);

    [Fact]
    public void MetasFilesComeByTheirFolder()
    {
        string[] files = ["config.json", "model.safetensors", "original/params.json", "original/consolidated.00.pth", "original/tokenizer.model"];
        Assert.Equal(files[2..], Choose("original", files));
        Assert.Equal(files[2..], Choose(null, files[2..]));
        Assert.Equal(["params.json", "consolidated.00.pth", "tokenizer.model"], Choose(null, ["params.json", "consolidated.00.pth", "tokenizer.model", "checklist.chk"]));
    }

    [Fact]
    public void ShardsComeWithTheirIndex() => Assert.Equal(
        ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "config.json", "model.safetensors.index.json"],
        Choose(null, ["config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json", "pytorch_model.bin"]));

    [Fact]
    public void AnAdapterIsARepositoryToo() =>
        Assert.Equal(["adapter_model.safetensors", "adapter_config.json"], Choose(null, ["adapter_config.json", "adapter_model.safetensors"]));

    [Fact]
    public void WeightsThatCriaCannotReadAreNamed() =>
        Assert.Contains("only pytorch_model.bin", Assert.Throws<CriaException>(() => Choose(null, ["config.json", "pytorch_model.bin"])).Message);

    [Theory]
    [InlineData("org/name", "org/name", null, "main")]
    [InlineData("org/name:Q4_K_M", "org/name", "Q4_K_M", "main")]
    [InlineData("org/name:sub/file.gguf@v1.0", "org/name", "sub/file.gguf", "v1.0")]
    [InlineData("org/name@refs/pr/1", "org/name", null, "refs/pr/1")]
    public void ANameHasARepositoryAndMayHaveASelectorAndARevision(string text, string repository, string? selector, string revision) =>
        Assert.Equal(new HubName(repository, selector, revision), HubName.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("name")]
    [InlineData("org/name/more")]
    [InlineData("../name")]
    [InlineData("org/..")]
    [InlineData("org/a--b")]
    [InlineData("org/name:../../x")]
    [InlineData("org/name@../x")]
    [InlineData("org/name:")]
    [InlineData("https://host/org/name")]
    [InlineData("org/name\n")]
    public void AnotherFormIsRefused(string text) => Assert.Contains("is not ORG/NAME", Assert.Throws<CriaException>(() => HubName.Parse(text)).Message);

    static IReadOnlyList<string> Choose(string? selector, string[] files) => HubSelection.Choose(new("org/name", selector, "main"), files);
}
