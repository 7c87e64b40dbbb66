using System.Runtime.InteropServices;
using Cria.Conversion;
using Cria.Formats;
using Cria.Kernels.Blocks;
using Cria.Tensors;
using Cria.Tokenization;

namespace Cria.Benchmarks;

/// <summary>
/// GGUF files of the full size of a Llama 3.2 model in any quantization, with random weights: what is measured on them holds for Meta's.
/// Every matrix is made of the same few hundred quantized rows in random order. The vocabulary has the right size and nothing to say.
/// </summary>
static class SyntheticGguf
{
    const int DistinctRows = 512, Vocabulary = 128256, Reserved = 256;

    /// <summary>The shape of 1b, 3b, 11b-vision or 90b-vision.</summary>
    public static ModelConfig Config(string size)
    {
        var (hidden, layers, heads, headSize, feedForward) = size switch
        {
            "1b" => (2048, 16, 32, 64, 8192),
            "3b" => (3072, 28, 24, 128, 8192),
            "11b-vision" => (4096, 40, 32, 128, 14336),
            "90b-vision" => (8192, 100, 64, 128, 28672),
            _ => throw new CriaException($"there is no size {size}; there are 1b, 3b, 11b-vision and 90b-vision"),
        };
        var isVision = size.EndsWith("-vision", StringComparison.Ordinal);
        return new()
        {
            HiddenSize = hidden,
            LayerCount = layers,
            HeadCount = heads,
            KvHeadCount = 8,
            HeadSize = headSize,
            FeedForwardSize = feedForward,
            VocabularySize = Vocabulary,
            MaxPositions = 131072,
            NormEpsilon = 1e-5f,
            RopeTheta = 500000,
            TiedEmbeddings = !isVision,
            CrossAttentionLayers = isVision ? [.. Enumerable.Range(0, layers / 5).Select(i => 5 * i + 3)] : [],
            Vision = !isVision ? null : new()
            {
                Width = 1280,
                LocalLayerCount = 32,
                GlobalLayerCount = 8,
                HeadCount = 16,
                FeedForwardSize = 5120,
                NormEpsilon = 1e-5f,
                TileSize = 560,
                PatchSize = 14,
                MaxTiles = 4,
                IntermediateLayers = [3, 7, 15, 23, 30],
            },
        };
    }

    /// <summary>Writes a file unless it is there, and gives its path.</summary>
    public static string Write(string folder, string size, string recipeName) => Write(folder, size, Config(size), recipeName);

    /// <summary>The same of a shape of one's own, in so many files.</summary>
    /// <returns>The path of the first.</returns>
    public static string Write(string folder, string size, ModelConfig c, string recipeName, int files = 1)
    {
        var stem = Path.Combine(Directory.CreateDirectory(folder).FullName, $"random-{size}-{recipeName}");
        if (File.Exists(FilePath(0)))
            return FilePath(0);
        var (recipe, random) = (QuantizationRecipe.Find(recipeName), new Random(1));
        var metadata = new GgufMetadata();
        metadata.Add("general.architecture", GgufConversion.Architecture(c));
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
        WrittenTensor[] tensors =
        [
            .. GgufConversion.Parts(c).Select(part =>
            {
                var type = part.Shape.Length == 1 ? ElementType.F32 : recipe.TypeOf(part.Role, part.Layer, c.LayerCount, part.Shape[1], ElementType.F16);
                return new WrittenTensor(part.Name, type, part.Shape, stream => Fill(stream, type, part.Shape, random));
            }),
        ];
        foreach (var (i, part) in tensors.Chunk((tensors.Length + files - 1) / files).Index())
        {
            metadata = i == 0 ? metadata : new GgufMetadata();
            if (files > 1)
            {
                metadata.Add("split.no", (uint)i);
                metadata.Add("split.count", (uint)files);
                metadata.Add("split.tensors.count", (uint)tensors.Length);
            }
            GgufWriter.Write(FilePath(i), metadata, part);
        }
        return FilePath(0);

        string FilePath(int i) => files == 1 ? $"{stem}.gguf" : $"{stem}-{i + 1:D5}-of-{files:D5}.gguf";
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
        var rows = Rows(type, checked((int)shape.Skip(1).Aggregate(1L, (a, b) => a * b)), (int)Math.Min(DistinctRows, shape[0]));
        for (var row = 0L; row < shape[0]; row++)
            stream.Write(rows[random.Next(rows.Length)]);
    }

    /// <summary>Fills whole rows of 256 columns.</summary>
    public static void Fill(Span<byte> bytes, ElementType type)
    {
        var rows = Rows(type, 256, DistinctRows);
        for (var i = 0; bytes.Length > 0; i++, bytes = bytes[(int)type.Bytes(256)..])
            rows[i % DistinctRows].CopyTo(bytes);
    }

    static byte[][] Rows(ElementType type, int columns, int count)
    {
        var rows = new byte[count][];
        Parallel.For(0, count, row =>
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
