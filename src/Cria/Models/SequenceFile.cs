using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Cria.Models;

/// <summary>
/// The state of a text on disk: its tokens and their keys and values, in whole pages of 64 positions. Little-endian: magic, the
/// model's fingerprint, the number of positions, bytes of a page, the tokens, the pages as they lie in memory, and the SHA-256 of all
/// before it. The magic changes with the layout of a page.
/// </summary>
static unsafe class SequenceFile
{
    const int HeaderBytes = 8 + SHA256.HashSizeInBytes + sizeof(int) + sizeof(long);
    const int Samples = 16, SampleBytes = 64; // of every tensor

    static ReadOnlySpan<byte> Magic => "CRIASEQ1"u8;

    /// <summary>Writes the whole pages of a sequence whose tokens these are. Written aside, then renamed.</summary>
    /// <exception cref="CriaException">The file cannot be written.</exception>
    public static void Save(TextModel model, Sequence sequence, ReadOnlySpan<int> ids, string path)
    {
        var pages = Math.Min(sequence.Length, ids.Length) / KvCache.PagePositions;
        var aside = path + ".new";
        try
        {
            using (var file = new FileStream(aside, FileMode.Create, FileAccess.Write))
            using (var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256))
            {
                Span<byte> header = stackalloc byte[HeaderBytes];
                WriteHeader(model, sequence, pages * KvCache.PagePositions, header);
                Write(header);
                Span<byte> id = stackalloc byte[sizeof(int)];
                foreach (var token in ids[..(pages * KvCache.PagePositions)])
                {
                    BinaryPrimitives.WriteInt32LittleEndian(id, token);
                    Write(id);
                }
                for (var i = 0; i < pages; i++)
                    Write(Page(model, sequence.Pages[i]));
                file.Write(hash.GetHashAndReset());

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

    /// <summary>The sequence and its tokens.</summary>
    /// <param name="model">The model that computed it.</param>
    /// <param name="path">The file.</param>
    /// <param name="maxPositions">The longest that may be read.</param>
    /// <exception cref="CriaException">The file cannot be read, is damaged or longer, or is another model's.</exception>
    public static (Sequence Sequence, int[] Ids) Load(TextModel model, string path, int maxPositions)
    {
        var sequence = model.CreateSequence();
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            Span<byte> header = stackalloc byte[HeaderBytes], expected = stackalloc byte[HeaderBytes];
            Read(header);
            var positions = BinaryPrimitives.ReadInt32LittleEndian(header[(8 + SHA256.HashSizeInBytes)..]);
            WriteHeader(model, sequence, positions, expected);
            if (!header.StartsWith(Magic))
                throw new CriaException($"{path}: not the state of a conversation in this version's layout");
            if (!header.SequenceEqual(expected))
                throw new CriaException($"{path}: the state of another model, or of this one with another --dtype, --kv or --adapter");
            if (positions < 0 || positions % KvCache.PagePositions != 0 || positions > maxPositions)
                throw new CriaException($"{path}: the state of {positions} positions; there is room for {maxPositions}");
            var pages = positions / KvCache.PagePositions;
            var length = HeaderBytes + sizeof(int) * (long)positions + pages * model.Cache.PageBytes + SHA256.HashSizeInBytes;
            if (file.Length != length)
                throw new CriaException($"{path}: {file.Length} bytes, and {positions} positions take {length}");

            var bytes = new byte[sizeof(int) * positions];
            Read(bytes);
            var ids = MemoryMarshal.Cast<byte, int>(bytes).ToArray();
            if (!BitConverter.IsLittleEndian)
                BinaryPrimitives.ReverseEndianness(ids, ids);
            if (Array.FindIndex(ids, id => (uint)id >= (uint)model.Config.VocabularySize) is >= 0 and var wrong)
                throw new CriaException($"{path}: token {ids[wrong]} at position {wrong} is not in the vocabulary of {model.Config.VocabularySize}");
            sequence.PendingLength = positions;
            sequence.Grow();
            for (var i = 0; i < pages; i++)
                Read(Page(model, sequence.Pages[i]));
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
            throw e is IOException or UnauthorizedAccessException ? new CriaException($"{path}: {(e is EndOfStreamException ? "cut short" : e.Message)}", e) : e;
        }
    }

    static Span<byte> Page(TextModel model, nint page) => new((void*)page, checked((int)model.Cache.PageBytes));

    static void WriteHeader(TextModel model, Sequence sequence, int positions, Span<byte> header)
    {
        Magic.CopyTo(header);
        Fingerprint(model, sequence.Adapter).CopyTo(header[8..]);
        BinaryPrimitives.WriteInt32LittleEndian(header[(8 + SHA256.HashSizeInBytes)..], positions);
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
