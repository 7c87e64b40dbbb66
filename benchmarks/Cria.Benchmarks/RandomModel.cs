using Cria.Conversion;
using Cria.Formats;
using Cria.Kernels.Blocks;
using Cria.Tensors;
using Cria.Tokenization;

namespace Cria.Benchmarks;

/// <summary>
/// Models of the shape of a Llama 3.2 with random weights: what is measured on them holds for Meta's. Every matrix is made of the same few hundred
/// rows in random order. Written a row at a time.
/// </summary>
/// <remarks>
/// `random SIZE OUT [--tokenizer MODEL] [--layers N] [--type T]`: OUT.gguf with weights of any type or mixture of `cria quantize` (q4_k), or a directory in
/// Hugging Face's form (bf16). SIZE is tiny, 1b, 3b, 11b-vision, 90b-vision, or a `config.json`; N are the first layers, those with cross-attention
/// included, and a vision encoder stays whole. With the vocabulary of a model, or of `tokenizer.model`, every command of cria takes the result; without
/// one it is driven by ids.
/// </remarks>
static class RandomModel
{
    const int DistinctRows = 512, Vocabulary = 128256;

    public static void Run(string[] args)
    {
        if (args.Length < 2 || args.Length % 2 != 0 || args.Skip(2).Where((_, i) => i % 2 == 0).Except(["--tokenizer", "--layers", "--type"]).Any())
            throw new CriaException("random SIZE OUT [--tokenizer MODEL] [--layers N] [--type T]");
        var (size, target, options) = (args[0], args[1], args.Skip(2).Chunk(2).ToDictionary(option => option[0], option => option[1]));
        var config = Config(size, options.TryGetValue("--layers", out var layers) ? int.Parse(layers) : null);
        var (tokenizer, type) = (options.GetValueOrDefault("--tokenizer"), options.GetValueOrDefault("--type"));
        if (target.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
            WriteGguf(target, config, type ?? "q4_k", tokenizer);
        else
            WriteDirectory(target, config, Enum.TryParse<ElementType>(type ?? "bf16", ignoreCase: true, out var element) && element.BlockLength() == 1 ? element
                : throw new CriaException($"--type {type}: weights of a directory are f32, f16 or bf16"), tokenizer);
    }

    /// <summary>The shape of a size, or of a `config.json`, without the layers from a number on.</summary>
    public static ModelConfig Config(string size, int? layers = null)
    {
        var config = File.Exists(size) ? ModelConfig.Read(size) : Named(size);
        if (layers is null || layers == config.LayerCount)
            return config;
        if (layers < 1 || layers > config.LayerCount)
            throw new CriaException($"--layers {layers}: {size} has {config.LayerCount}");
        config = config with { LayerCount = layers.Value, CrossAttentionLayers = [.. config.CrossAttentionLayers.Where(layer => layer < layers)] };
        return config.Vision is null ? config : config.Validated(problem => new CriaException($"--layers {layers}: the layers with cross-attention {problem}"));
    }

    static ModelConfig Named(string size)
    {
        var (hidden, layers, heads, kvHeads, headSize, feedForward) = size switch
        {
            "tiny" => (256, 5, 4, 2, 64, 512),
            "1b" => (2048, 16, 32, 8, 64, 8192),
            "3b" => (3072, 28, 24, 8, 128, 8192),
            "11b-vision" => (4096, 40, 32, 8, 128, 14336),
            "90b-vision" => (8192, 100, 64, 8, 128, 28672),
            _ => throw new CriaException($"there is no size {size}; there are tiny, 1b, 3b, 11b-vision, 90b-vision and any config.json"),
        };
        var isVision = size is "tiny" or "11b-vision" or "90b-vision";
        return new()
        {
            HiddenSize = hidden,
            LayerCount = layers,
            HeadCount = heads,
            KvHeadCount = kvHeads,
            HeadSize = headSize,
            FeedForwardSize = feedForward,
            VocabularySize = Vocabulary,
            MaxPositions = 131072,
            NormEpsilon = 1e-5f,
            RopeTheta = 500000,
            RopeScaling = new(isVision ? 8 : 32, 1, 4, 8192),
            TiedEmbeddings = !isVision,
            CrossAttentionLayers = isVision ? [.. Enumerable.Range(0, layers / 5).Select(i => 5 * i + 3)] : [],
            Vision = !isVision ? null : size == "tiny" ? Tower(64, 3, 2, 2, 56, [0, 2]) : Tower(1280, 32, 8, 16, 560, [3, 7, 15, 23, 30]),
        };
    }

    static VisionConfig Tower(int width, int local, int global, int heads, int tile, IReadOnlyList<int> features) => new()
    {
        Width = width,
        LocalLayerCount = local,
        GlobalLayerCount = global,
        HeadCount = heads,
        FeedForwardSize = 4 * width,
        NormEpsilon = 1e-5f,
        TileSize = tile,
        PatchSize = 14,
        MaxTiles = 4,
        IntermediateLayers = features,
    };

    /// <summary>The path of a GGUF file in artifacts/synthetic, which is written unless it is there; of several files the first.</summary>
    public static string Kept(string size, string recipe, int? layers = null, int files = 1, string? tokenizer = null) =>
        Kept(layers is null ? size : $"{size}-{layers}", Config(size, layers), recipe, files, tokenizer);

    /// <summary>The same of a shape of one's own.</summary>
    public static string Kept(string name, ModelConfig config, string recipe, int files = 1, string? tokenizer = null)
    {
        var folder = Directory.CreateDirectory(Path.Combine("artifacts", "synthetic")).FullName;
        var path = Path.Combine(folder, $"random-{name}{(tokenizer is null ? "" : "-chat")}-{recipe}{(files == 1 ? "" : $"-00001-of-{files:D5}")}.gguf");
        if (!File.Exists(path))
            WriteGguf(path, config, recipe, tokenizer, files);
        return path;
    }

    /// <summary>Writes a GGUF file, or several whose names differ in their number.</summary>
    static void WriteGguf(string path, ModelConfig config, string recipeName, string? tokenizer, int files = 1)
    {
        var recipe = QuantizationRecipe.Find(recipeName);
        var (c, vocabulary) = WithVocabulary(config, tokenizer);
        var metadata = new GgufMetadata();
        metadata.Add("general.architecture", GgufConversion.Architecture(c));
        metadata.Add("general.name", Path.GetFileNameWithoutExtension(path));
        metadata.Add("general.file_type", recipe.FileType);
        metadata.Add("general.quantization_version", 2u);
        GgufConversion.AddConfig(metadata, c);
        GgufConversion.AddVocabulary(metadata, vocabulary ?? MadeUp(c.VocabularySize), c.BosId, c.StopIds);
        var weights = new Weights();
        List<WrittenTensor> tensors =
        [
            .. GgufConversion.Parts(c).Select(part => weights.Of(part.Name, part.Shape,
                part.Shape.Length == 1 ? ElementType.F32 : recipe.TypeOf(part.Role, part.Layer, c.LayerCount, part.Shape[1], ElementType.F16))),
        ];
        if (GgufConversion.RopeFactors(c) is { } factors)
            tensors.Insert(0, factors);
        foreach (var (i, part) in tensors.Chunk((tensors.Count + files - 1) / files).Index())
        {
            metadata = i == 0 ? metadata : new GgufMetadata();
            if (files > 1)
            {
                metadata.Add("split.no", (uint)i);
                metadata.Add("split.count", (uint)files);
                metadata.Add("split.tensors.count", (uint)tensors.Count);
            }
            GgufWriter.Write(path.Replace("-00001-of-", $"-{i + 1:D5}-of-"), metadata, part);
        }
    }

    /// <summary>Writes a directory in Hugging Face's form, of which nothing may exist.</summary>
    public static void WriteDirectory(string path, ModelConfig config, ElementType type, string? tokenizer = null) => NewDirectory.Write(path, directory =>
    {
        var (c, vocabulary) = WithVocabulary(config, tokenizer);
        var (names, weights) = (TensorNames.HuggingFaceOf(c), new Weights());
        Write("config.json", json => HuggingFaceConversion.Config(json, c, c.RopeScaling, type));
        Write("generation_config.json", json => HuggingFaceConversion.Sampling(json, new() { Temperature = 0.6f, TopP = 0.9f, StopIds = c.StopIds }));
        if (c.Vision is { } vision)
            Write("preprocessor_config.json", json => HuggingFaceConversion.ImageProcessor(json, vision));
        if (vocabulary is not null)
            Write("tokenizer.json", json => TokenizerJson.Write(json, vocabulary));
        NewDirectory.WriteWeights(directory, StoredTensors.Of(c).Select(tensor => weights.Of(names.Of(tensor.Role, tensor.Layer), tensor.Shape, type)));

        void Write(string name, Action<System.Text.Json.Utf8JsonWriter> properties) => NewDirectory.WriteJson(Path.Combine(directory, name), properties);
    });

    /// <summary>The shape with the size of a vocabulary, and that vocabulary as it is written.</summary>
    static (ModelConfig Config, VocabularyList? Vocabulary) WithVocabulary(ModelConfig config, string? path)
    {
        if (path is null)
            return (config with { BosId = config.BosId ?? config.VocabularySize - SpecialTokens.Count, StopIds = config.StopIds.Count > 0 ? config.StopIds : [config.VocabularySize - SpecialTokens.Count + 1] }, null);
        path = ModelLocator.Resolve(path);
        var tokenizer = ModelTokenizer.Load(path);
        config = config with
        {
            VocabularySize = tokenizer.OrdinaryCount + SpecialTokens.Count,
            BosId = tokenizer.BosId,
            StopIds = [.. SpecialTokens.Ends.Select(tokenizer.SpecialId).OfType<int>()],
        };
        return (config, VocabularyList.Read(path, config));
    }

    /// <summary>The bytes, what the one merge makes, nothing but numbers, and control tokens: llama.cpp asks for a vocabulary.</summary>
    static VocabularyList MadeUp(int count) => new(
        [
            .. Enumerable.Range(0, 256).Select(i => ByteAlphabet.ToChar((byte)i).ToString()), "ab", .. Enumerable.Range(257, count - SpecialTokens.Count - 257).Select(id => $"#{id}"),
            .. Enumerable.Range(0, SpecialTokens.Count).Select(i => $"<|reserved_special_token_{i}|>"),
        ],
        [.. Enumerable.Range(0, count).Select(id => id < count - SpecialTokens.Count ? VocabularyList.Normal : VocabularyList.Control)], ["a b"]);

    /// <summary>Fills whole rows of 256 columns.</summary>
    public static void Fill(Span<byte> bytes, ElementType type)
    {
        var rows = Rows(type, 256, DistinctRows);
        for (var i = 0; bytes.Length > 0; i++, bytes = bytes[(int)type.Bytes(256)..])
            rows[i % DistinctRows].CopyTo(bytes);
    }

    /// <summary>Random rows that keep the size of what they multiply.</summary>
    static byte[][] Rows(ElementType type, int columns, int count)
    {
        var (rows, scale) = (new byte[count][], MathF.Sqrt(6f / Math.Min(columns, 8192)));
        Parallel.For(0, count, row =>
        {
            var (values, random) = (new float[columns], new Random(row));
            for (var i = 0; i < columns; i++)
                values[i] = (random.NextSingle() + random.NextSingle() - 1) * scale;
            rows[row] = new byte[type.Bytes(columns)];
            BlockFormats.Quantize(type, values, [], rows[row]);
        });
        return rows;
    }

    /// <summary>The tensors of a model.</summary>
    sealed class Weights
    {
        readonly Random _random = new(1);
        readonly Dictionary<(ElementType, int), byte[][]> _rows = [];

        public WrittenTensor Of(string name, long[] shape, ElementType type) => new(name, type, shape, stream =>
        {
            if (shape.Length == 1)
                WriteVector(stream, type, (int)shape[0]);
            else
                WriteMatrix(stream, type, shape[0], checked((int)shape.Skip(1).Aggregate(1L, (a, b) => a * b)));
        });

        /// <summary>Norms, gates and biases: from a half to one.</summary>
        void WriteVector(Stream stream, ElementType type, int count)
        {
            var bytes = new byte[type.Bytes(count)];
            BlockFormats.Quantize(type, [.. Enumerable.Range(0, count).Select(_ => 0.5f + _random.NextSingle() / 2)], [], bytes);
            stream.Write(bytes);
        }

        void WriteMatrix(Stream stream, ElementType type, long count, int columns)
        {
            if (!_rows.TryGetValue((type, columns), out var rows))
            {
                rows = Rows(type, columns, (int)Math.Min(DistinctRows, count));
                if (rows.Length == DistinctRows)
                    _rows[(type, columns)] = rows;
            }
            for (var row = 0L; row < count; row++)
                stream.Write(rows[_random.Next(rows.Length)]);
        }
    }
}
