/* What gcc's unwinder, made for glibc, wants of a C library that is musl and linked statically. Used by
   deploy/image/build where the standard library is compiled by Debian's own rustc; rustup's brings an
   unwinder of its own. */
#define _GNU_SOURCE
#include <link.h>
#include <pthread.h>

/* It calls these where they are linked, and takes for granted that they are. Nothing else may ask for
   them, and then it would call nothing. */
void *const spaniel_unwinder_needs[] = {
    (void *)pthread_getspecific,  (void *)pthread_key_create, (void *)pthread_mutex_lock,
    (void *)pthread_mutex_unlock, (void *)pthread_once,       (void *)pthread_setspecific,
};

/* Where the tables of a program counter are: in glibc since 2.35, and then it asks nothing else. musl
   has only dl_iterate_phdr. The structure is glibc's, as on amd64 and arm64 (dlfcn.h). */
struct dl_find_object {
    unsigned long long flags;
    void *map_start, *map_end;
    struct link_map *link_map;
    void *eh_frame;
    unsigned long long reserved[7];
};

struct search {
    ElfW(Addr) address;
    struct dl_find_object *found;
};

static int look(struct dl_phdr_info *info, size_t size, void *data) {
    struct search *search = data;
    ElfW(Addr) start = 0, end = 0, tables = 0;
    (void)size;
    for (int place = 0; place < info->dlpi_phnum; place++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[place];
        ElfW(Addr) at = info->dlpi_addr + header->p_vaddr;
        if (header->p_type == PT_LOAD && search->address >= at && search->address < at + header->p_memsz) {
            start = at;
            end = at + header->p_memsz;
        } else if (header->p_type == PT_GNU_EH_FRAME) {
            tables = at;
        }
    }
    if (!end || !tables) return 0;
    *search->found = (struct dl_find_object){.map_start = (void *)start, .map_end = (void *)end, .eh_frame = (void *)tables};
    return 1;
}

int _dl_find_object(void *address, struct dl_find_object *found) {
    struct search search = {(ElfW(Addr))address, found};
    return dl_iterate_phdr(look, &search) == 1 ? 0 : -1;
}
