using System.Text.RegularExpressions;
using Cria.Conversion;
using Cria.Formats;
using Cria.Tensors;
using Cria.Tests.Cli;
using Cria.Tests.Models;
using Cria.Tokenization;

namespace Cria.Tests.Docs;

/// <summary>The examples of docs/formats.md run, on a tiny model in every format.</summary>
[Collection(CommandLine.Name)]
public sealed partial class FormatsGuideTests
{
    static readonly string Guide = File.ReadAllText(Path.Combine(TestFiles.Root, "docs", "formats.md"));

    [Fact]
    public void ExamplesRun()
    {
        using var folder = new TestModel();
        WriteModels(folder);
        var before = Environment.CurrentDirectory;
        Environment.CurrentDirectory = folder.Path;
        try
        {
            foreach (Match fence in Shell().Matches(Guide))
                foreach (var line in fence.Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                {
                    var (exit, output, error) = CommandLine.Run([.. Argument().Matches(line).Skip(1).Select(m => m.Value.Trim('"'))]);
                    Assert.True(exit == 0, $"{line}: {error}");
                    Assert.True(output.Length > 0 || line.Contains("--out", StringComparison.Ordinal) || line.StartsWith("cria quantize", StringComparison.Ordinal), line);
                }
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }
    }

    [Fact]
    public void EveryTypeOfBlocksIsListed()
    {
        var listed = Types().Match(Guide).Groups[1].Value.Split(", ");
        Assert.Equal(GgufHeader.Types.Values.Where(t => t.BlockLength() > 1 || t is ElementType.F32 or ElementType.F16 or ElementType.BF16).Select(t => t.Name()).Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    static void WriteModels(TestModel folder)
    {
        using var huggingFace = TestModels.Write(new() { Hidden = 64, FeedForward = 64, WithTokenizer = true });
        Directory.Move(huggingFace.Path, folder.File("llama-hf"));
        Directory.CreateDirectory(huggingFace.Path);
        using var meta = TestMetaModels.Write(TestMetaModels.Shape with { Vocabulary = 256 + SpecialTokens.Count, FeedForward = 64 }, parameters: json => (json["ffn_dim_multiplier"], json["multiple_of"]) = (0.25, 64));
        using var quantized = MetaQuantizedTests.Quantize(meta, spinQuant: true);
        foreach (var (model, name) in new[] { (meta, "llama-meta"), (quantized, "llama-spinquant") })
        {
            File.WriteAllText(model.File("tokenizer.model"), string.Concat(Enumerable.Range(0, 256).Select(i => $"{Convert.ToBase64String([(byte)i])} {i}\n")));
            Directory.Move(model.Path, folder.File(name));
            Directory.CreateDirectory(model.Path);
        }
        GgufConversion.Write(folder.File("llama-hf"), folder.File("whole.gguf"), QuantizationRecipe.Find("f16"), 1);
        Split(folder.File("whole.gguf"), folder.File("llama"));
    }

    /// <summary>A GGUF file in two: all metadata and half of the tensors, and the others.</summary>
    static unsafe void Split(string path, string target)
    {
        using var whole = GgufFile.Open(path);
        var tensors = whole.Tensors.Select(t => new WrittenTensor(t.Name, t.Type, [.. t.Shape], stream => stream.Write(new ReadOnlySpan<byte>(t.Data, (int)t.ByteLength)))).ToList();
        for (var i = 0; i < 2; i++)
        {
            var metadata = new GgufMetadata();
            metadata.Add("split.no", (uint)i);
            metadata.Add("split.count", 2u);
            metadata.Add("split.tensors.count", (uint)tensors.Count);
            foreach (var (key, value) in i == 0 ? whole.Values : new Dictionary<string, GgufValue>())
                metadata.Add(key, value);
            GgufWriter.Write($"{target}-{i + 1:D5}-of-00002.gguf", metadata, [.. tensors.Where((_, at) => at % 2 == i)]);
        }
    }

    [GeneratedRegex(@"^```sh\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Shell();

    [GeneratedRegex(@"""[^""]*""|\S+")]
    private static partial Regex Argument();

    [GeneratedRegex(@"^(F32, .*)\.$", RegexOptions.Multiline)]
    private static partial Regex Types();
}
