using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Cria.Models;

/// <summary>
/// The state of a text on disk: its tokens and their keys and values, in whole pages of 64 positions, and those of its images, also of such as stand behind
/// the last whole page. Little-endian: magic, the model's fingerprint, the numbers of positions and of images, bytes of a page; of each image in the order
/// of the text its hash and its number of tokens; the tokens of the text; the pages as they lie in memory, first those of the text, then of every image
/// once; and the SHA-256 of all before it. The magic changes with the layout.
/// </summary>
static unsafe class SequenceFile
{
    const int HeaderBytes = 8 + SHA256.HashSizeInBytes + 2 * sizeof(int) + sizeof(long), ImageBytes = SHA256.HashSizeInBytes + sizeof(int);
    const int Samples = 16, SampleBytes = 64; // of every tensor

    static ReadOnlySpan<byte> Magic => "CRIASEQ2"u8;

    /// <summary>Writes the whole pages of a sequence whose tokens these are, and its images. Written aside, then renamed.</summary>
    /// <exception cref="CriaException">The file cannot be written.</exception>
    public static void Save(TextModel model, Sequence sequence, ReadOnlySpan<int> ids, string path)
    {
        var pages = Math.Min(sequence.Length, ids.Length) / KvCache.PagePositions;
        ids = ids[..(pages * KvCache.PagePositions)];
        var aside = path + ".new";
        try
        {
            using (var file = new FileStream(aside, FileMode.Create, FileAccess.Write))
            using (var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256))
            {
                Span<byte> header = stackalloc byte[HeaderBytes];
                WriteHeader(model, sequence, ids.Length, sequence.Images.Count, header);
                Write(header);
                foreach (var image in sequence.Images)
                {
                    Write(Convert.FromHexString(image.Hash));
                    WriteNumber(image.Tokens);
                }
                foreach (var token in ids)
                    WriteNumber(token);
                foreach (var page in sequence.Pages.AsSpan(0, pages))
                    Write(Page(model.Cache, page));
                foreach (var page in sequence.Images.Distinct().SelectMany(image => image.Pages))
                    Write(Page(model.ImageCache!, page));
                file.Write(hash.GetHashAndReset());

                void WriteNumber(int number)
                {
                    Span<byte> bytes = stackalloc byte[sizeof(int)];
                    BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
                    Write(bytes);
                }

                void Write(ReadOnlySpan<byte> bytes)
                {
                    hash.AppendData(bytes);
                    file.Write(bytes);
                }
            }
            File.Move(aside, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (File.Exists(aside))
                File.Delete(aside);
            throw new CriaException($"{path}: the state is not saved: {e.Message}", e);
        }
    }

    /// <summary>The sequence and its tokens; the images that it has are the caller's to dispose.</summary>
    /// <param name="model">The model that computed it.</param>
    /// <param name="path">The file.</param>
    /// <param name="maxPositions">The longest that may be read.</param>
    /// <param name="maxImageBytes">What its images may take.</param>
    /// <exception cref="CriaException">The file cannot be read, is damaged or longer, or is another model's.</exception>
    public static (Sequence Sequence, int[] Ids) Load(TextModel model, string path, int maxPositions, long maxImageBytes)
    {
        var sequence = model.CreateSequence();
        var images = new Dictionary<string, ImageFeatures>();
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            Span<byte> header = stackalloc byte[HeaderBytes], expected = stackalloc byte[HeaderBytes];
            Read(header);
            var positions = BinaryPrimitives.ReadInt32LittleEndian(header[(8 + SHA256.HashSizeInBytes)..]);
            var imageCount = BinaryPrimitives.ReadInt32LittleEndian(header[(12 + SHA256.HashSizeInBytes)..]);
            WriteHeader(model, sequence, positions, imageCount, expected);
            if (!header.StartsWith(Magic))
                throw new CriaException($"{path}: not the state of a conversation in this version's layout");
            if (!header.SequenceEqual(expected))
                throw new CriaException($"{path}: the state of another model, or of this one with another --dtype, --kv or --adapter");
            if (positions < 0 || positions % KvCache.PagePositions != 0 || positions > maxPositions)
                throw new CriaException($"{path}: the state of {positions} positions; there is room for {maxPositions}");
            if (imageCount < 0 || imageCount > (model.ImageCache is null ? 0 : Math.Min(maxPositions, file.Length / ImageBytes)))
                throw new CriaException($"{path}: {imageCount} images in {file.Length} bytes");
            var table = new byte[ImageBytes * imageCount];
            Read(table);
            var tokens = new Dictionary<string, int>(); // of every image
            for (var at = 0; at < table.Length; at += ImageBytes)
                tokens[Hash(table, at)] = BinaryPrimitives.ReadInt32LittleEndian(table.AsSpan(at + SHA256.HashSizeInBytes));
            foreach (var count in tokens.Values)
                if (count < 1 || count > model.Config.Vision!.MaxTiles * model.Config.Vision.TileTokens)
                    throw new CriaException($"{path}: an image of {count} tokens");
            var imageBytes = tokens.Values.Sum(count => ImageFeatures.BytesOf(count, model.ImageCache!));
            if (imageBytes > maxImageBytes)
                throw new CriaException($"{path}: images of {imageBytes} bytes; there is room for {maxImageBytes}");
            var pages = positions / KvCache.PagePositions;
            var length = HeaderBytes + table.Length + sizeof(int) * (long)positions + pages * model.Cache.PageBytes + imageBytes + SHA256.HashSizeInBytes;
            if (file.Length != length)
                throw new CriaException($"{path}: {file.Length} bytes, and {positions} positions with {imageCount} images take {length}");

            var bytes = new byte[sizeof(int) * positions];
            Read(bytes);
            var ids = MemoryMarshal.Cast<byte, int>(bytes).ToArray();
            if (!BitConverter.IsLittleEndian)
                BinaryPrimitives.ReverseEndianness(ids, ids);
            if (Array.FindIndex(ids, id => (uint)id >= (uint)model.Config.VocabularySize && id != model.Config.ImageTokenId) is >= 0 and var wrong)
                throw new CriaException($"{path}: token {ids[wrong]} at position {wrong} is not in the vocabulary of {model.Config.VocabularySize}");
            if (ids.Count(id => id == model.Config.ImageTokenId) is var standing && standing > imageCount)
                throw new CriaException($"{path}: {standing} image tokens for {imageCount} images");
            sequence.PendingLength = positions;
            sequence.Grow();
            for (var i = 0; i < pages; i++)
                Read(Page(model.Cache, sequence.Pages[i]));
            foreach (var (name, count) in tokens)
            {
                images.Add(name, new(model.ImageCache!, name, model.AdapterOfImages(null), count));
                foreach (var page in images[name].Pages)
                    Read(Page(model.ImageCache!, page));
            }
            for (var at = 0; at < table.Length; at += ImageBytes)
                sequence.Add(images[Hash(table, at)]);
            Span<byte> sum = stackalloc byte[SHA256.HashSizeInBytes];
            file.ReadExactly(sum);
            if (!sum.SequenceEqual(hash.GetHashAndReset()))
                throw new CriaException($"{path}: damaged: its checksum is another");
            sequence.Commit();
            return (sequence, ids);

            void Read(Span<byte> target)
            {
                file.ReadExactly(target);
                hash.AppendData(target);
            }
        }
        catch (Exception e)
        {
            sequence.Dispose();
            foreach (var image in images.Values)
                image.Dispose();
            throw e is IOException or UnauthorizedAccessException ? new CriaException($"{path}: {(e is EndOfStreamException ? "cut short" : e.Message)}", e) : e;
        }
    }

    static string Hash(byte[] table, int at) => Convert.ToHexStringLower(table.AsSpan(at, SHA256.HashSizeInBytes));

    static Span<byte> Page(KvCache cache, nint page) => new((void*)page, checked((int)cache.PageBytes));

    static void WriteHeader(TextModel model, Sequence sequence, int positions, int images, Span<byte> header)
    {
        Magic.CopyTo(header);
        Fingerprint(model, sequence.Adapter).CopyTo(header[8..]);
        BinaryPrimitives.WriteInt32LittleEndian(header[(8 + SHA256.HashSizeInBytes)..], positions);
        BinaryPrimitives.WriteInt32LittleEndian(header[(12 + SHA256.HashSizeInBytes)..], images);
        BinaryPrimitives.WriteInt64LittleEndian(header[(HeaderBytes - sizeof(long))..], model.Cache.PageBytes);
    }

    /// <summary>SHA-256 of what keys and values depend on: hyperparameters, arithmetic, cache type, samples of all weights, and the adapter's files.</summary>
    static byte[] Fingerprint(TextModel model, Adapter? adapter)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (c, o) = (model.Config, model.Options);
        Append($"{c.HiddenSize} {c.LayerCount} {c.HeadCount} {c.KvHeadCount} {c.HeadSize} {c.FeedForwardSize} {c.VocabularySize} {c.NormEpsilon:R} {c.RopeTheta:R} {c.AdjacentPairs} {o.Compute} {o.Kv}");
        if (c.RopeScaling is { } r)
            Append($"{r.Factor:R} {r.LowFrequencyFactor:R} {r.HighFrequencyFactor:R} {r.OriginalMaxPositions}");
        foreach (var factor in c.RopeFactors ?? [])
            Append($"{factor:R}");
        if (c.Vision is { } v)
            Append($"{v.HeadCount} {v.NormEpsilon:R} {v.TileSize} {v.PatchSize} {v.MaxTiles} {string.Join(',', v.IntermediateLayers)} {string.Join(',', c.CrossAttentionLayers)}");
        foreach (var tensor in model.Checkpoint.Tensors)
        {
            Append($"{tensor.Type} {tensor.ByteLength}");
            for (var i = 0; i < Samples; i++)
            {
                var size = Math.Min(SampleBytes, tensor.ByteLength);
                hash.AppendData(new ReadOnlySpan<byte>(tensor.Data + (tensor.ByteLength - size) / (Samples - 1) * i, (int)size));
            }
        }
        foreach (var name in adapter is null ? Array.Empty<string>() : ["adapter_config.json", "adapter_model.safetensors"])
        {
            using var file = File.OpenRead(Path.Combine(adapter!.Path, name));
            hash.AppendData(SHA256.HashData(file));
        }
        return hash.GetHashAndReset();

        void Append(FormattableString text) => hash.AppendData(Encoding.UTF8.GetBytes(FormattableString.Invariant(text) + "\n"));
    }
}
