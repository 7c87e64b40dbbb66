using System.Security.Cryptography;
using System.Text;

namespace Cria.Server;

/// <summary>
/// The keys that open the server, as SHA-256 hashes. The file has one key a line: `sha256:` and the hash in hexadecimal, or the key itself, and
/// behind it a name for the log if wanted; empty lines and lines from `#` on are passed over. Thread-safe.
/// </summary>
public sealed class ApiKeys
{
    const string Hashed = "sha256:";
    const long MaxBytes = 1 << 20;

    readonly List<(byte[] Hash, string Name)> _keys = [];

    /// <summary>Reads the file.</summary>
    /// <exception cref="CriaException">It cannot be read, a line is wrong, or it has no key.</exception>
    public ApiKeys(string file)
    {
        var number = 0;
        foreach (var line in Lines(file))
        {
            number++;
            if (line.Split(default(char[]), 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) is not [var key, .. var name] || key[0] == '#')
                continue;
            _keys.Add((key.StartsWith(Hashed, StringComparison.Ordinal) ? Hash(key[Hashed.Length..]) : SHA256.HashData(Encoding.UTF8.GetBytes(key)), name is [var given] ? given : $"key {_keys.Count + 1}"));
        }
        if (_keys.Count == 0)
            throw new CriaException($"{file}: there is no key");

        byte[] Hash(string hex)
        {
            try
            {
                return Convert.FromHexString(hex) is { Length: SHA256.HashSizeInBytes } hash ? hash : throw new FormatException();
            }
            catch (FormatException e)
            {
                throw new CriaException($"{file}: line {number} is not a SHA-256 hash of 64 hexadecimal digits", e);
            }
        }
    }

    /// <summary>The name of a key, or null for one that does not open. Takes as long for each.</summary>
    public string? Find(string key)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(key));
        string? found = null;
        foreach (var (known, name) in _keys)
            found = CryptographicOperations.FixedTimeEquals(known, hash) ? name : found;
        return found;
    }

    static string[] Lines(string file)
    {
        try
        {
            return new FileInfo(file).Length <= MaxBytes ? File.ReadAllLines(file) : throw new CriaException($"{file}: more than {MaxBytes} bytes");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CriaException($"{file}: {e.Message}", e);
        }
    }
}
