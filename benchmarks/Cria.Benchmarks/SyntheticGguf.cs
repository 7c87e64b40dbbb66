using System.Runtime.InteropServices;
using Cria.Conversion;
using Cria.Formats;
using Cria.Kernels.Blocks;
using Cria.Tensors;
using Cria.Tokenization;

namespace Cria.Benchmarks;

/// <summary>
/// GGUF files of the full size of Llama 3.2 1B or 3B in any quantization, with random weights: what is measured on them holds for Meta's.
/// Every matrix is made of the same few hundred quantized rows in random order. The vocabulary has the right size and nothing to say.
/// </summary>
static class SyntheticGguf
{
    const int DistinctRows = 512, Vocabulary = 128256, Reserved = 256;

    public static ModelConfig Config(string size) => new()
    {
        HiddenSize = size == "3b" ? 3072 : 2048,
        LayerCount = size == "3b" ? 28 : 16,
        HeadCount = size == "3b" ? 24 : 32,
        KvHeadCount = 8,
        HeadSize = size == "3b" ? 128 : 64,
        FeedForwardSize = 8192,
        VocabularySize = Vocabulary,
        MaxPositions = 131072,
        NormEpsilon = 1e-5f,
        RopeTheta = 500000,
        TiedEmbeddings = true,
    };

    /// <summary>Writes a file unless it is there, and gives its path.</summary>
    public static string Write(string folder, string size, string recipeName)
    {
        var path = Path.Combine(Directory.CreateDirectory(folder).FullName, $"random-{size}-{recipeName}.gguf");
        if (File.Exists(path))
            return path;
        var (c, recipe, random) = (Config(size), QuantizationRecipe.Find(recipeName), new Random(1));
        var metadata = new GgufMetadata();
        metadata.Add("general.architecture", "llama");
        metadata.Add("general.name", $"random {size} {recipeName}");
        metadata.Add("general.file_type", recipe.FileType);
        metadata.Add("general.quantization_version", 2u);
        GgufConversion.AddConfig(metadata, c);
        metadata.Add("tokenizer.ggml.model", "gpt2");
        metadata.Add("tokenizer.ggml.pre", "llama-bpe");
        metadata.Add("tokenizer.ggml.tokens", [.. Enumerable.Range(0, Vocabulary).Select(Token)]);
        metadata.Add("tokenizer.ggml.token_type", [.. Enumerable.Range(0, Vocabulary).Select(i => i < Vocabulary - Reserved ? 1 : 3)]);
        metadata.Add("tokenizer.ggml.merges", (IReadOnlyCollection<string>)["a b"]);
        metadata.Add("tokenizer.ggml.bos_token_id", Vocabulary - Reserved + 0u);
        metadata.Add("tokenizer.ggml.eos_token_id", Vocabulary - Reserved + 1u);
        GgufWriter.Write(path, metadata, [.. TensorRoles.All(c).Select(part =>
        {
            var shape = TensorRoles.Shape(part.Role, c);
            var type = shape.Length == 1 ? ElementType.F32 : recipe.TypeOf(part.Role, part.Layer, c.LayerCount, shape[1]);
            return new WrittenTensor(TensorNames.Gguf.Of(part.Role, part.Layer), type, shape, stream => Fill(stream, type, shape, random));
        })]);
        return path;
    }

    /// <summary>The bytes, what the one merge makes, and then nothing but numbers.</summary>
    static string Token(int id) => id switch
    {
        < 256 => ByteAlphabet.ToChar((byte)id).ToString(),
        256 => "ab",
        < Vocabulary - Reserved => $"#{id}",
        _ => $"<|reserved_special_token_{id - Vocabulary + Reserved}|>",
    };

    static void Fill(Stream stream, ElementType type, long[] shape, Random random)
    {
        if (shape.Length == 1)
        {
            stream.Write(MemoryMarshal.AsBytes<float>([.. Enumerable.Repeat(1f, (int)shape[0])]));
            return;
        }
        var rows = Rows(type, (int)shape[1]);
        for (var row = 0L; row < shape[0]; row++)
            stream.Write(rows[random.Next(DistinctRows)]);
    }

    /// <summary>Fills whole rows of 256 columns.</summary>
    public static void Fill(Span<byte> bytes, ElementType type)
    {
        var rows = Rows(type, 256);
        for (var i = 0; bytes.Length > 0; i++, bytes = bytes[(int)type.Bytes(256)..])
            rows[i % DistinctRows].CopyTo(bytes);
    }

    static byte[][] Rows(ElementType type, int columns)
    {
        var rows = new byte[DistinctRows][];
        Parallel.For(0, DistinctRows, row =>
        {
            var (values, random) = (new float[columns], new Random(row));
            for (var i = 0; i < columns; i++)
                values[i] = (random.NextSingle() + random.NextSingle() - 1) * 0.06f;
            rows[row] = new byte[type.Bytes(columns)];
            BlockFormats.Quantize(type, values, [], rows[row]);
        });
        return rows;
    }
}
