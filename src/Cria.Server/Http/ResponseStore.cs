using Cria.Server.Wire;
using Microsoft.Extensions.AI;

namespace Cria.Server.Http;

/// <summary>The last responses with their dialogues, for those who asked for them, in memory. Thread-safe.</summary>
sealed class ResponseStore
{
    const int Most = 1000;
    const long MostSize = 64 << 20; // characters, and bytes of images

    readonly Lock _gate = new();
    readonly OrderedDictionary<string, Stored> _stored = [];
    long _size;

    /// <summary>Keeps a response; the oldest make room.</summary>
    public void Keep(string caller, ResponseReply reply, IReadOnlyList<ChatMessage> dialogue)
    {
        var stored = new Stored(caller, reply, dialogue, dialogue.Sum(m => m.Text.Length + m.Contents.OfType<DataContent>().Sum(image => (long)image.Data.Length)));
        lock (_gate)
        {
            _stored[reply.Id] = stored;
            _size += stored.Size;
            while (_stored.Count > Most || _size > MostSize)
                Remove(_stored.GetAt(0).Key);
        }
    }

    /// <summary>A caller's response and the dialogue up to its end.</summary>
    /// <exception cref="ApiException">There is none of that name, or it is another caller's.</exception>
    public (ResponseReply Reply, IReadOnlyList<ChatMessage> Dialogue) Find(string caller, string id, string? param = null)
    {
        lock (_gate)
            return _stored.TryGetValue(id, out var stored) && stored.Caller == caller ? (stored.Reply, stored.Dialogue)
                : throw new ApiException(404, $"there is no response {OneLine.Quote(id)}", "response_not_found", param);
    }

    /// <summary>Forgets a caller's response.</summary>
    /// <exception cref="ApiException">There is none of that name, or it is another caller's.</exception>
    public void Delete(string caller, string id)
    {
        lock (_gate)
        {
            Find(caller, id);
            Remove(id);
        }
    }

    void Remove(string id)
    {
        _stored.Remove(id, out var stored);
        _size -= stored!.Size;
    }

    sealed record Stored(string Caller, ResponseReply Reply, IReadOnlyList<ChatMessage> Dialogue, long Size);
}
