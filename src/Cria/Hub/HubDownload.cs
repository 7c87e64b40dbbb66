using System.Net;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Cria.Hub;

/// <summary>
/// Brings one file of a hub to disk in ranges that are under way at once. It grows aside, behind its bytes stand how many of each range are
/// there, so that a later attempt goes on from there; it gets its name when it is whole and its hash is right.
/// </summary>
sealed class HubDownload
{
    const int MaxRanges = 256, BufferSize = 1 << 18;

    readonly HubClient _client;
    readonly HubName _name;
    readonly string _commit;
    readonly HubFile _file;
    readonly SafeFileHandle _handle;
    readonly Action<long> _report;
    readonly long _rangeLength;
    readonly long[] _done;

    HubDownload(HubClient client, HubName name, string commit, HubFile file, SafeFileHandle handle, long range, Action<long> report)
    {
        (_client, _name, _commit, _file, _handle, _report) = (client, name, commit, file, handle, report);
        _rangeLength = RangeLength(file, range);
        _done = new long[(file.Length + _rangeLength - 1) / _rangeLength];
        ReadDone();
    }

    /// <summary>Downloads a file and puts it at `target`; `report` hears the bytes that are there.</summary>
    /// <exception cref="CriaException">It cannot be had, or its hash is wrong; in the latter case nothing of it is kept.</exception>
    public static async Task RunAsync(HubClient client, HubName name, string commit, HubFile file, string target, HubOptions options, Action<long> report, CancellationToken cancellation)
    {
        var aside = Aside(target);
        using (var handle = File.OpenHandle(aside, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, FileOptions.Asynchronous))
        {
            await new HubDownload(client, name, commit, file, handle, options.Range, report).RunAsync(options.Connections, cancellation);
            if (file.IsVerifiable && file.Compute(handle, cancellation) is var hash && hash != file.Hash)
            {
                File.Delete(aside);
                throw new CriaException($"{name.Repository}: {file.Path}: what arrived has the hash {hash}, the hub promises {file.Hash}; it was thrown away");
            }
            RandomAccess.SetLength(handle, file.Length);
            RandomAccess.FlushToDisk(handle);
        }
        File.Move(aside, target, overwrite: true);
    }

    /// <summary>Bytes of a file that an earlier attempt has brought.</summary>
    public static long Kept(HubFile file, string target, long range)
    {
        if (!File.Exists(Aside(target)))
            return 0;
        using var handle = File.OpenHandle(Aside(target), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var length = RangeLength(file, range);
        var done = new long[(file.Length + length - 1) / length];
        return ReadDone(handle, file, length, done) ? done.Sum() : 0;
    }

    static string Aside(string target) => target + ".cria.incomplete";

    static long RangeLength(HubFile file, long least) => Math.Max(least, (file.Length + MaxRanges - 1) / MaxRanges);

    async Task RunAsync(int connections, CancellationToken cancellation)
    {
        var open = Enumerable.Range(0, _done.Length).Where(r => _done[r] < Length(r)).ToList();
        _report(_done.Sum());
        if (open.Count == 0 || !await FetchAsync(open[0], mayBeWhole: true, cancellation)) // the first alone tells whether the hub knows ranges
            return;
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = connections, CancellationToken = cancellation };
        await Parallel.ForEachAsync(open.Skip(1), parallel, async (range, token) => await FetchAsync(range, mayBeWhole: false, token));
    }

    long Length(int range) => Math.Min(_rangeLength, _file.Length - range * _rangeLength);

    /// <summary>Fetches the rest of a range; false where the hub sent the whole file instead, which is then there.</summary>
    Task<bool> FetchAsync(int range, bool mayBeWhole, CancellationToken cancellation) => _client.RetryAsync($"{_name.Repository}: {_file.Path}", async () =>
    {
        var (from, to) = (range * _rangeLength + _done[range], range * _rangeLength + Length(range));
        using var response = await _client.OpenAsync(_name, _commit, _file, from, to, cancellation);
        var isRange = response.StatusCode == HttpStatusCode.PartialContent || (from == 0 && to == _file.Length);
        if (!isRange && !mayBeWhole)
            throw new HubFault("the hub no longer sends ranges");
        if (!isRange)
            (from, to) = (0, _file.Length);
        await CopyAsync(response, from, to, cancellation);
        return isRange;
    }, () => _done.Sum(), cancellation);

    async Task CopyAsync(HttpResponseMessage response, long from, long to, CancellationToken cancellation)
    {
        using var body = await response.Content.ReadAsStreamAsync(cancellation);
        var buffer = new byte[BufferSize];
        for (var at = from; at < to;)
        {
            var range = (int)(at / _rangeLength);
            var end = Math.Min(to, (range + 1) * _rangeLength);
            var read = await _client.ReadAsync(body, buffer.AsMemory(0, (int)Math.Min(buffer.Length, end - at)), cancellation);
            if (read == 0)
                throw new HubFault($"the connection ended at byte {at} of {_file.Length}");
            await RandomAccess.WriteAsync(_handle, buffer.AsMemory(0, read), at, cancellation);
            at += read;
            WriteDone(range, at - range * _rangeLength);
            _report(_done.Sum());
        }
    }

    void ReadDone()
    {
        if (ReadDone(_handle, _file, _rangeLength, _done))
            return;
        Array.Clear(_done);
        RandomAccess.SetLength(_handle, 0);
        RandomAccess.SetLength(_handle, _file.Length + _done.Length * sizeof(long));
    }

    static bool ReadDone(SafeFileHandle handle, HubFile file, long rangeLength, long[] done) =>
        RandomAccess.GetLength(handle) == file.Length + done.Length * sizeof(long)
        && RandomAccess.Read(handle, MemoryMarshal.AsBytes(done.AsSpan()), file.Length) == done.Length * sizeof(long)
        && Array.TrueForAll(done, d => d >= 0 && d <= rangeLength);

    /// <summary>After the bytes themselves, so that a process that is killed has at least what it says.</summary>
    void WriteDone(int range, long done)
    {
        _done[range] = done;
        RandomAccess.Write(_handle, MemoryMarshal.AsBytes(new ReadOnlySpan<long>(ref _done[range])), _file.Length + range * sizeof(long));
    }
}
