using System.Text.Json.Nodes;
using Cria.Formats;

namespace Cria.Tests.Formats;

/// <summary>GGUF files: the recorded vocabulary and the recorded broken files.</summary>
public sealed class GgufTests
{
    [Fact]
    public void TheVocabularyOfTheMetadataEncodesAsRecorded()
    {
        var folder = TestFiles.Golden("gguf", "tokenizer");
        foreach (var file in JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "tokenizer_cases.json")))!["files"]!.AsArray())
        {
            var tokenizer = ModelTokenizer.Load(Path.Combine(folder, (string)file!["file"]!));
            foreach (var recorded in file["cases"]!.AsArray())
                Assert.Equal(recorded!["ids"]!.AsArray().Select(i => (int)i!), tokenizer.Encode((string)recorded["text"]!, allowSpecial: (bool)recorded["special"]!));
        }
    }

    [Fact]
    public void EveryBrokenFileIsOneLine()
    {
        var folder = TestFiles.Golden("gguf", "hostile");
        foreach (var recorded in JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "hostile.json")))!.AsArray())
        {
            var path = Path.Combine(folder, (string)recorded!["path"]!);
            if (recorded["good"] is not null)
            {
                Checkpoint.Open(path).Dispose();
                continue;
            }
            var isVocabulary = (string)recorded["verb"]! == "tokenize";
            var message = Assert.Throws<CriaException>(() =>
            {
                if (isVocabulary)
                    ModelTokenizer.Load(path);
                else
                    Checkpoint.Open(path).Dispose();
            }).Message;
            Assert.True(message.Length < 1000 && !message.AsSpan().ContainsAny("\r\n") && message.Contains(".gguf", StringComparison.Ordinal), $"{path}: {message}");
        }
    }
}
