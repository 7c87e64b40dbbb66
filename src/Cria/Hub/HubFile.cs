using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Cria.Hub;

/// <summary>A file of a repository: the SHA-256 of its bytes (64 hex digits) for a large one, its git blob's SHA-1 (40) for a small one, or what else the hub names a version by.</summary>
sealed record HubFile(string Path, long Length, string Hash)
{
    /// <summary>Whether the hash is one that bytes can be checked against.</summary>
    public bool IsVerifiable => Hash.Length is 64 or 40 && Hash.AsSpan().IndexOfAnyExcept("0123456789abcdef") < 0;

    /// <summary>The hash of the first bytes of a file of the kind that <see cref="Hash"/> is.</summary>
    public string Compute(SafeFileHandle file, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(Hash.Length == 64 ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1);
        if (Hash.Length == 40)
            hash.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {Length}\0")));
        var buffer = new byte[1 << 20];
        for (var at = 0L; at < Length;)
        {
            cancellation.ThrowIfCancellationRequested();
            var read = RandomAccess.Read(file, buffer.AsSpan(0, (int)Math.Min(buffer.Length, Length - at)), at);
            if (read == 0)
                break;
            hash.AppendData(buffer, 0, read);
            at += read;
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
